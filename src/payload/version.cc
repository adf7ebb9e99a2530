#include "payload/version.h"

#include "stanza/ns.h"

namespace balcony::payload {

xml::Element version_query() {
  return xml::Element(ns::kVersion, "query");
}

xml::Element write_version(const SoftwareVersion& version) {
  xml::Element query = version_query();
  query.append_text_element("name", version.name);
  query.append_text_element("version", version.version);
  if (!version.os.empty()) query.append_text_element("os", version.os);
  return query;
}

Result<SoftwareVersion> read_version(xml::ElementView query) {
  if (!query.is(ns::kVersion, "query")) return fail(Errc::kMalformed, "this is no version");
  SoftwareVersion version;
  version.name = query.child_text(ns::kVersion, "name");
  version.version = query.child_text(ns::kVersion, "version");
  version.os = query.child_text(ns::kVersion, "os");
  if (version.name.empty() && version.version.empty()) {
    return fail(Errc::kMalformed, "the version is empty");
  }
  return version;
}

}  // namespace balcony::payload

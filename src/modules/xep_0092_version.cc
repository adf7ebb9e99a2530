// XEP-0092: Software Version (§2): which server this is.
#include "base/version.h"
#include "modules/modules.h"
#include "stanza/ns.h"

#include <sys/utsname.h>

namespace balcony::modules {
namespace {

struct VersionOptions {
  bool show_os = false;
};

std::string operating_system() {
  utsname names{};
  if (::uname(&names) != 0) return "unknown";
  return std::string(names.sysname) + ' ' + names.release;
}

void attach_version(Registrar& on, Server&, const VersionOptions& options) {
  on.feature(ns::kVersion);
  on.iq_get({ns::kVersion, "query"}, Target::kServer, Access::kAnyone,
            [&options](const IqRequest&) -> IqReply {
              xml::Element query(ns::kVersion, "query");
              query.append_text_element("name", "Balcony");
              query.append_text_element("version", kBalconyVersion);
              // §4: the operating system helps who looks for holes in it.
              if (options.show_os) query.append_text_element("os", operating_system());
              return query;
            });
}

}  // namespace

extern const ModuleSpec xep_0092_version = router::module<VersionOptions>(
    "version", {{"XEP-0092", "1.1"}}, "Tells the server's name and version.",
    {option("show_os", &VersionOptions::show_os,
            "Also tell the operating system and its release.")},
    attach_version);

}  // namespace balcony::modules

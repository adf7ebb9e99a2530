// XEP-0128: Service Discovery Extensions: what an operator wants to tell of the server, in the form
// of XEP-0157 in disco#info of the host.
#include "base/log.h"
#include "modules/disco.h"
#include "modules/modules.h"
#include "stanza/ns.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace balcony::modules {
namespace {

struct ServerInfoOptions {
  std::vector<std::string> fields;
};

DataForm make_form(const std::vector<std::string>& fields) {
  DataForm form(FormType::kResult, ns::kServerInfoForm);
  for (const std::string& text : fields) {
    const std::size_t at = text.find('=');
    const std::string_view name = std::string_view(text).substr(0, at);
    if (at == std::string::npos || name.empty() || name == "FORM_TYPE") {
      log_error("no field of the server's information", {{"text", text}});
      continue;
    }
    // Several values of one name are one field.
    std::vector<std::string> values = form.list(name);
    values.push_back(text.substr(at + 1));
    form.set_list(name, std::move(values)).type = FieldType::kListMulti;
  }
  return form;
}

void attach_server_info(Registrar& on, Server&, const ServerInfoOptions& options) {
  if (options.fields.empty()) return;
  on.on<router::DiscoInfo>([form = make_form(options.fields)](router::DiscoInfo& event) {
    if (!event.account && event.node.empty()) add_info_form(event.query, form);
    return Flow::kContinue;
  });
}

}  // namespace

extern const ModuleSpec xep_0128_server_info = router::module<ServerInfoOptions>(
    "server_info", {{"XEP-0128", "1.0.1"}}, "Tells more about this server.",
    {option("fields", &ServerInfoOptions::fields,
            "Fields as \"name=value\": \"website=https://example.org\". A name may come several "
            "times.")},
    attach_server_info);

}  // namespace balcony::modules

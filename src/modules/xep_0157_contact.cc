// XEP-0157: Contact Addresses for XMPP Services (§2): whom to write to, in disco#info of the host.
#include "modules/disco.h"
#include "modules/modules.h"
#include "stanza/ns.h"

namespace balcony::modules {
namespace {

struct ContactOptions {
  std::vector<std::string> abuse;
  std::vector<std::string> admin;
  std::vector<std::string> feedback;
  std::vector<std::string> sales;
  std::vector<std::string> security;
  std::vector<std::string> status;
  std::vector<std::string> support;
};

void attach_contact(Registrar& on, Server&, const ContactOptions& options) {
  on.on<router::DiscoInfo>([&options](router::DiscoInfo& event) {
    if (event.account || !event.node.empty()) return Flow::kContinue;
    DataForm form(FormType::kResult, ns::kServerInfoForm);
    const std::pair<std::string_view, const std::vector<std::string>*> kFields[] = {
        {"abuse-addresses", &options.abuse},       {"admin-addresses", &options.admin},
        {"feedback-addresses", &options.feedback}, {"sales-addresses", &options.sales},
        {"security-addresses", &options.security}, {"status-addresses", &options.status},
        {"support-addresses", &options.support},
    };
    bool any = false;
    for (const auto& [name, addresses] : kFields) {
      if (addresses->empty()) continue;
      form.add(name, FieldType::kListMulti).values = *addresses;
      any = true;
    }
    if (any) add_info_form(event.query, form);
    return Flow::kContinue;
  });
}

constexpr const char* kHelp =
    "Addresses as URIs: mailto:abuse@example.org, xmpp:abuse@example.org.";

}  // namespace

extern const ModuleSpec xep_0157_contact = router::module<ContactOptions>(
    "contact", {{"XEP-0157", "1.1.1"}}, "Tells whom to write to about this server.",
    {option("abuse", &ContactOptions::abuse, kHelp), option("admin", &ContactOptions::admin, kHelp),
     option("feedback", &ContactOptions::feedback, kHelp),
     option("sales", &ContactOptions::sales, kHelp),
     option("security", &ContactOptions::security, kHelp),
     option("status", &ContactOptions::status, kHelp),
     option("support", &ContactOptions::support, kHelp)},
    attach_contact);

}  // namespace balcony::modules

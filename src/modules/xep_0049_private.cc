// XEP-0049: Private XML Storage: what a client keeps for itself, by root element.
#include "modules/modules.h"
#include "stanza/ns.h"
#include "xml/parser.h"
#include "xml/writer.h"

namespace balcony::modules {
namespace {

using router::User;

constexpr std::string_view kPrivateStore = "private";

struct PrivateOptions {
  std::int64_t elements_max = 100;
  Bytes size_max{64 * 1024};
};

// Elements are told apart by name and namespace (§2.2).
std::string key_of(xml::ElementView element) {
  return std::string(element.name()) + ' ' + std::string(element.ns());
}

// A request holds exactly one element, in a namespace of its own. §2.3 and §3: without one, a get
// is <bad-request/> ("Bad Format") and a set <not-acceptable/>. More than one in a set, which §2.3
// allows and the schema does not, is refused: no client does it.
Result<xml::ElementView> only_child(const IqRequest& request) {
  const xml::ElementView child = request.payload.first_child();
  if (!child) {
    return fail(request.is_set ? Errc::kNotAcceptable : Errc::kBadRequest, "the query is empty");
  }
  if (child.next_sibling()) return fail(Errc::kBadRequest, "one element at a time");
  // §2.3 and §4: namespaces of the protocol itself mean something else than "keep this".
  if (child.ns().empty() || child.ns().starts_with("jabber:") || child.ns() == ns::kVcardTemp) {
    return fail(Errc::kNotAcceptable, "the element needs a namespace of its own");
  }
  return child;
}

Task<IqReply> get(Server& server, std::shared_ptr<User> user, std::string key, xml::Element asked) {
  BALCONY_CO_ASSIGN(const std::optional<storage::Value> found,
                    co_await server.store().get(user->bare.str(), std::string(kPrivateStore), key));
  xml::Element query(ns::kPrivate, "query");
  if (found) {
    BALCONY_CO_ASSIGN(xml::Element kept, xml::parse(found->value));
    query.append(std::move(kept));
  } else {
    query.append(asked.ns(), asked.name());  // §2.3: nothing is there: the empty element
  }
  co_return IqAnswer(std::move(query));
}

Task<IqReply> set(Server& server, const PrivateOptions& options, std::shared_ptr<User> user,
                  std::string key, std::string value) {
  if (value.size() > options.size_max) {
    co_return fail(Errc::kNotAcceptable, "the element is too large");
  }
  BALCONY_CO_ASSIGN(const std::optional<storage::Value> known,
                    co_await server.store().get(user->bare.str(), std::string(kPrivateStore), key));
  if (!known) {
    const auto limit = static_cast<std::uint32_t>(options.elements_max);
    BALCONY_CO_ASSIGN(
        const std::vector<storage::MapEntry> entries,
        co_await server.store().scan(user->bare.str(), std::string(kPrivateStore), "", "", limit));
    if (entries.size() >= limit) {
      co_return fail(Errc::kResourceConstraint, "too many elements are kept already");
    }
  }
  storage::Batch batch;
  batch.add(user->bare.str(), storage::op::Put{std::string(kPrivateStore), key, std::move(value)});
  co_return IqAnswer{{}, server.commit(*user, std::move(batch))};
}

Task<IqReply> refuse(Error error) {
  co_return fail(std::move(error));
}

void attach_private(Registrar& on, Server& server, const PrivateOptions& options) {
  on.feature(ns::kPrivate);
  on.account_feature(ns::kPrivate);
  on.iq_get_task({ns::kPrivate, "query"}, Target::kAccount, Access::kOwner,
                 [&server](const IqRequest& request) {
                   auto child = only_child(request);
                   if (!child) return refuse(child.error());
                   return get(server, request.user, key_of(*child), child->clone());
                 });
  on.iq_set_task({ns::kPrivate, "query"}, Target::kAccount, Access::kOwner,
                 [&server, &options](const IqRequest& request) {
                   auto child = only_child(request);
                   if (!child) return refuse(child.error());
                   return set(server, options, request.user, key_of(*child),
                              xml::to_string(*child));
                 });
}

}  // namespace

extern const ModuleSpec xep_0049_private = router::module<PrivateOptions>(
    "private", {{"XEP-0049", "1.2"}}, "Keeps XML for users' clients.",
    {option("elements_max", &PrivateOptions::elements_max, 1, 10'000,
            "Elements that a user may keep."),
     option("size_max", &PrivateOptions::size_max, Bytes{1024}, Bytes{1024 * 1024},
            "How large one element may be.")},
    attach_private);

}  // namespace balcony::modules

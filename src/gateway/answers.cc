#include "gateway/answers.h"

#include "payload/disco.h"
#include "stanza/ns.h"

namespace balcony::gateway {
namespace {

Result<xml::Element> disco_info(const AnswerContext& context, const IqRequest& request) {
  // XEP-0030 §3.1: there are no nodes.
  if (request.payload.has_attr("node")) return fail(Errc::kItemNotFound);
  DiscoInfo info;
  if (request.to->has_local()) {
    BALCONY_ASSIGN(const std::string address, context.address_of(*request.to));
    info.identities = {{"account", "registered", address}};
    info.features = {std::string(ns::kDiscoInfo), std::string(ns::kVcardTemp)};
    return payload::write_disco_info(info);
  }
  info.identities = {{"gateway", context.about.type, context.about.title}};
  for (const std::string_view feature :
       {ns::kDiscoInfo, ns::kDiscoItems, kGatewayNs, ns::kVersion, ns::kPing, ns::kVcardTemp}) {
    info.features.emplace_back(feature);
  }
  return payload::write_disco_info(info);
}

// XEP-0030 §4: who is reached through us is nobody else's business.
Result<xml::Element> disco_items(const AnswerContext& context, const IqRequest& request) {
  if (request.payload.has_attr("node")) return fail(Errc::kItemNotFound);
  if (request.to->has_local()) BALCONY_CHECK(context.address_of(*request.to));
  return xml::Element(ns::kDiscoItems, "query");
}

// XEP-0054 §3.1.
Result<xml::Element> vcard(const AnswerContext& context, const IqRequest& request) {
  xml::Element card(ns::kVcardTemp, "vCard");
  if (!request.to->has_local()) {
    card.append_text_element("FN", context.about.title);
    card.append_text_element("DESC", context.about.description);
    return card;
  }
  BALCONY_ASSIGN(const std::string address, context.address_of(*request.to));
  card.append_text_element("FN", address);
  if (address.find('@') != std::string::npos) {
    card.append("EMAIL").append_text_element("USERID", address);
  }
  return card;
}

// XEP-0077 §3.1: whoever is served is registered; there is nothing to fill in.
Result<xml::Element> registration(const AnswerContext& context, const IqRequest& request) {
  constexpr std::string_view kText = "No registration is needed: the address alone is enough. ";
  if (request.to->has_local()) return fail(Errc::kServiceUnavailable);
  if (request.is_set) {
    return fail(Errc::kNotAllowed, std::string(kText) + context.about.description);
  }
  xml::Element query(ns::kRegister, "query");
  query.append("registered");
  query.append_text_element("instructions", std::string(kText) + context.about.description);
  return query;
}

// XEP-0100 §6.3: the client asks what to enter, and gets the JID for it.
Result<xml::Element> prompt(const AnswerContext& context, const IqRequest& request) {
  if (request.to->has_local()) return fail(Errc::kServiceUnavailable);
  xml::Element query(kGatewayNs, "query");
  if (!request.is_set) {
    query.append_text_element("desc", context.about.description);
    query.append_text_element("prompt", context.about.prompt);
    return query;
  }
  const auto jid = context.jid_of(request.payload.child_text(kGatewayNs, "prompt"));
  if (!jid) return fail(Errc::kNotAcceptable, jid.error().detail);
  query.append_text_element("jid", jid->str());
  return query;
}

}  // namespace

std::vector<std::pair<std::string_view, std::string_view>> answered_payloads() {
  return {{ns::kDiscoInfo, "query"},
          {ns::kDiscoItems, "query"},
          {ns::kVcardTemp, "vCard"},
          {ns::kRegister, "query"},
          {kGatewayNs, "query"}};
}

Result<xml::Element> answer(const AnswerContext& context, const IqRequest& request) {
  if (!request.to) return fail(Errc::kBadRequest);
  const xml::ElementView payload = request.payload;
  if (payload.is(ns::kRegister, "query")) return registration(context, request);
  if (payload.is(kGatewayNs, "query")) return prompt(context, request);
  if (request.is_set) return fail(Errc::kNotAllowed);
  if (payload.is(ns::kDiscoInfo, "query")) return disco_info(context, request);
  if (payload.is(ns::kDiscoItems, "query")) return disco_items(context, request);
  if (payload.is(ns::kVcardTemp, "vCard")) return vcard(context, request);
  return fail(Errc::kServiceUnavailable);
}

}  // namespace balcony::gateway

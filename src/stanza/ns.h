// The namespaces that Balcony speaks, each with the specification that defines it.
#pragma once

#include <balcony/element.h>

#include <string_view>

namespace balcony::ns {

// RFC 6120
inline constexpr std::string_view kClient = xml::kClientNs;
inline constexpr std::string_view kServer = "jabber:server";
inline constexpr std::string_view kStream = xml::kStreamNs;
inline constexpr std::string_view kStreams = "urn:ietf:params:xml:ns:xmpp-streams";  // §4.9.3
inline constexpr std::string_view kStanzas = "urn:ietf:params:xml:ns:xmpp-stanzas";  // §8.3.3
inline constexpr std::string_view kTls = "urn:ietf:params:xml:ns:xmpp-tls";          // §5
inline constexpr std::string_view kSasl = "urn:ietf:params:xml:ns:xmpp-sasl";        // §6
inline constexpr std::string_view kBind = "urn:ietf:params:xml:ns:xmpp-bind";        // §7
// RFC 6121
inline constexpr std::string_view kRoster = "jabber:iq:roster";                     // §2
inline constexpr std::string_view kRosterVersion = "urn:xmpp:features:rosterver";   // §2.6
inline constexpr std::string_view kPreApproval = "urn:xmpp:features:pre-approval";  // §3.4
// RFC 3921 §3, gone since RFC 6121: offered as optional for old clients.
inline constexpr std::string_view kSession = "urn:ietf:params:xml:ns:xmpp-session";

inline constexpr std::string_view kDataForms = "jabber:x:data";                          // XEP-0004
inline constexpr std::string_view kLastActivity = "jabber:iq:last";                      // XEP-0012
inline constexpr std::string_view kDiscoInfo = "http://jabber.org/protocol/disco#info";  // XEP-0030
inline constexpr std::string_view kDiscoItems =
    "http://jabber.org/protocol/disco#items";                               // XEP-0030
inline constexpr std::string_view kPrivate = "jabber:iq:private";           // XEP-0049
inline constexpr std::string_view kVcardTemp = "vcard-temp";                // XEP-0054
inline constexpr std::string_view kRsm = "http://jabber.org/protocol/rsm";  // XEP-0059
inline constexpr std::string_view kRegister = "jabber:iq:register";         // XEP-0077
inline constexpr std::string_view kRegisterFeature =
    "http://jabber.org/features/iq-register";  // XEP-0077
inline constexpr std::string_view kChatStates =
    "http://jabber.org/protocol/chatstates";                                         // XEP-0085
inline constexpr std::string_view kVersion = "jabber:iq:version";                    // XEP-0092
inline constexpr std::string_view kCaps = "http://jabber.org/protocol/caps";         // XEP-0115
inline constexpr std::string_view kAddress = "http://jabber.org/protocol/address";   // XEP-0033
inline constexpr std::string_view kMucUser = "http://jabber.org/protocol/muc#user";  // XEP-0045
inline constexpr std::string_view kPubsub = "http://jabber.org/protocol/pubsub";     // XEP-0060
inline constexpr std::string_view kPubsubErrors =
    "http://jabber.org/protocol/pubsub#errors";  // XEP-0060
inline constexpr std::string_view kPubsubEvent =
    "http://jabber.org/protocol/pubsub#event";  // XEP-0060
inline constexpr std::string_view kPubsubOwner =
    "http://jabber.org/protocol/pubsub#owner";                                      // XEP-0060
inline constexpr std::string_view kVcardUpdate = "vcard-temp:x:update";             // XEP-0153
inline constexpr std::string_view kReceipts = "urn:xmpp:receipts";                  // XEP-0184
inline constexpr std::string_view kStreamManagement = "urn:xmpp:sm:3";              // XEP-0198
inline constexpr std::string_view kBlocking = "urn:xmpp:blocking";                  // XEP-0191
inline constexpr std::string_view kBlockingErrors = "urn:xmpp:blocking:errors";     // XEP-0191
inline constexpr std::string_view kComponent = "jabber:component:accept";           // XEP-0114
inline constexpr std::string_view kPing = "urn:xmpp:ping";                          // XEP-0199
inline constexpr std::string_view kTime = "urn:xmpp:time";                          // XEP-0202
inline constexpr std::string_view kDelay = "urn:xmpp:delay";                        // XEP-0203
inline constexpr std::string_view kConference = "jabber:x:conference";              // XEP-0249
inline constexpr std::string_view kCarbons = "urn:xmpp:carbons:2";                  // XEP-0280
inline constexpr std::string_view kCarbonRules = "urn:xmpp:carbons:rules:0";        // XEP-0280 §6.2
inline constexpr std::string_view kVcard4 = "urn:ietf:params:xml:ns:vcard-4.0";     // XEP-0292
inline constexpr std::string_view kForward = "urn:xmpp:forward:0";                  // XEP-0297
inline constexpr std::string_view kHashes = "urn:xmpp:hashes:2";                    // XEP-0300
inline constexpr std::string_view kChatMarkers = "urn:xmpp:chat-markers:0";         // XEP-0333
inline constexpr std::string_view kHints = "urn:xmpp:hints";                        // XEP-0334
inline constexpr std::string_view kClientState = "urn:xmpp:csi:0";                  // XEP-0352
inline constexpr std::string_view kDelegation = "urn:xmpp:delegation:2";            // XEP-0355
inline constexpr std::string_view kPrivilege = "urn:xmpp:privilege:2";              // XEP-0356
inline constexpr std::string_view kStanzaId = "urn:xmpp:sid:0";                     // XEP-0359
inline constexpr std::string_view kCaps2 = "urn:xmpp:caps";                         // XEP-0390
inline constexpr std::string_view kSaslChannelBinding = "urn:xmpp:sasl-cb:0";       // XEP-0440
inline constexpr std::string_view kDialback = "jabber:server:dialback";             // XEP-0220
inline constexpr std::string_view kDialbackFeature = "urn:xmpp:features:dialback";  // XEP-0220
inline constexpr std::string_view kBidi = "urn:xmpp:bidi";                          // XEP-0288
inline constexpr std::string_view kBidiFeature = "urn:xmpp:features:bidi";          // XEP-0288
inline constexpr std::string_view kStreamLimits = "urn:xmpp:stream-limits:0";       // XEP-0478

// SASL2 and what goes with it
inline constexpr std::string_view kBind2 = "urn:xmpp:bind:0";                  // XEP-0386
inline constexpr std::string_view kSasl2 = "urn:xmpp:sasl:2";                  // XEP-0388
inline constexpr std::string_view kSaslUpgrade = "urn:xmpp:sasl:upgrade:0";    // XEP-0480
inline constexpr std::string_view kScramUpgrade = "urn:xmpp:scram-upgrade:0";  // XEP-0480
inline constexpr std::string_view kFast = "urn:xmpp:fast:0";                   // XEP-0484

// A value of FORM_TYPE, not a namespace of elements (XEP-0157 §2).
inline constexpr std::string_view kServerInfoForm = "http://jabber.org/network/serverinfo";
inline constexpr std::string_view kPubsubNodeConfig =
    "http://jabber.org/protocol/pubsub#node_config";  // XEP-0060 §16.4.4
inline constexpr std::string_view kPubsubMetadata =
    "http://jabber.org/protocol/pubsub#meta-data";  // XEP-0060 §16.4.3
inline constexpr std::string_view kPubsubPublishOptions =
    "http://jabber.org/protocol/pubsub#publish-options";  // XEP-0060 §16.4.5
// The node of a user's card in PEP (XEP-0292 §3.1).
inline constexpr std::string_view kVcard4Node = "urn:xmpp:vcard4";
// disco#info features that stand for no element.
inline constexpr std::string_view kOfflineFeature = "msgoffline";            // XEP-0160 §5
inline constexpr std::string_view kMamExtended = "urn:xmpp:mam:2#extended";  // XEP-0313
inline constexpr std::string_view kMamGroupchatField =
    "urn:xmpp:mam:2#groupchat-field";  // XEP-0313

// XEP-0355 §7.2.4, §7.2.5: what stands for requests that have no namespace of their own.
inline constexpr std::string_view kDelegatedInfo = "urn:xmpp:delegation:2:bare:disco#info:*";
inline constexpr std::string_view kDelegatedItems = "urn:xmpp:delegation:2:bare:disco#items:*";

// Archives
inline constexpr std::string_view kMam = "urn:xmpp:mam:2";                  // XEP-0313
inline constexpr std::string_view kFullTextSearch = "urn:xmpp:fulltext:0";  // XEP-0431
inline constexpr std::string_view kDataFormValidation =
    "http://jabber.org/protocol/xdata-validate";  // XEP-0122

}  // namespace balcony::ns

// In-band registration (XEP-0077) from the side of who registers: what a form asks for, filled in.
// Pure functions; any thread.
#pragma once

#include <balcony/element.h>
#include <balcony/result.h>

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace balcony::stream {

using RegistrationFields = std::map<std::string, std::string, std::less<>>;

// The <query xmlns='jabber:iq:register'/> that answers `form` (the query of the server's result):
// as a data form where there is one (XEP-0077 §4), else with the plain fields (§3.1).
//
// `fields`  values by name; "username" and "password" among them.
// Errors    kConflict: this is somebody who is registered already. kNotAcceptable: the server wants
//           more than was given; the detail names what. kRedirect: the server registers nobody this
//           way and says where (§5, XEP-0066).
Result<xml::Element> fill_registration(xml::ElementView form, const RegistrationFields& fields);

}  // namespace balcony::stream

// All modules of the server. Each is one file src/modules/rfc_*.cc or xep_*.cc that defines a
// ModuleSpec of the file's name; the build makes the declarations and the table from the names.
//
// A module's file includes this header, so that its ModuleSpec can be seen from outside.
#pragma once

#include "router/module.h"
#include <modules/module_list.h>  // made by the build

#include <vector>

namespace balcony::modules {

using router::Access;
using router::Flow;
using router::IqAnswer;
using router::IqReply;
using router::IqRequest;
using router::ModuleSpec;
using router::NoOptions;
using router::Priority;
using router::Registrar;
using router::Server;
using router::Target;

// In order of file names. From any thread, after main() has begun.
const std::vector<const router::ModuleSpec*>& all_modules();

}  // namespace balcony::modules

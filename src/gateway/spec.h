// What a gateway declares of itself: name, description, options, and how it is made.
//
// From one declaration come the section [gateway.NAME] of the configuration with its checks and its
// reference page, and what service discovery says of the gateway. A new gateway is a folder
// src/gateway/NAME/ with a declaration in NAME_gateway.cc (gateway/gateways.h) and a Network
// (gateway/network.h). Built once, then only read, from any thread.
#pragma once

#include "base/options.h"
#include "gateway/network.h"
#include "gateway/options.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace balcony::gateway {

// What service discovery and the prompts of clients say (XEP-0030, XEP-0100 §6.3).
struct About {
  std::string type;         // of the identity, category "gateway": "smtp"
  std::string title;        // "E-mail"
  std::string description;  // what to enter as an address, one sentence
  std::string prompt;       // the name of the field: "E-mail address"
};

struct GatewaySpec {
  std::string name;
  std::string summary;
  About about;
  OptionTable options;
  // Those of all gateways, inside of this gateway's options.
  std::function<const GatewayOptions&(const void* options)> common;
  // What the table cannot see: whether options fit together, whether files are there. Errors:
  // kConfig, kIo; the sentence begins with the option's name.
  std::function<Result<>(const void* options)> check;
  // `options` as read by the table; `link` outlives what is made.
  std::function<std::unique_ptr<Network>(Link& link, std::shared_ptr<const void> options)> make;
};

// A declaration; `Options` derives from GatewayOptions, whose members need not be named in `own`.
template <class Options>
GatewaySpec gateway_spec(std::string name, std::string summary, About about,
                         std::vector<OptionSpec> own, Result<> (*check)(const Options& options),
                         std::unique_ptr<Network> (*make)(Link& link,
                                                          std::shared_ptr<const Options> options)) {
  GatewaySpec spec;
  spec.name = std::move(name);
  spec.summary = std::move(summary);
  spec.about = std::move(about);
  std::vector<OptionSpec> all = common_options<Options>();
  for (OptionSpec& option : own) all.push_back(std::move(option));
  spec.options = option_table<Options>(std::move(all));
  spec.common = [](const void* options) -> const GatewayOptions& {
    return *static_cast<const Options*>(options);
  };
  spec.check = [check](const void* options) -> Result<> {
    BALCONY_CHECK(served_domains(*static_cast<const Options*>(options)));
    return check(*static_cast<const Options*>(options));
  };
  spec.make = [make](Link& link, std::shared_ptr<const void> options) {
    return make(link, std::static_pointer_cast<const Options>(std::move(options)));
  };
  return spec;
}

}  // namespace balcony::gateway

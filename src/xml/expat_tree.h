// Reads XML with Expat, the oracle of the tests and of the fuzz target. Not in any product.
#pragma once

#include <balcony/element.h>

#include <expat.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace balcony::xml {

// What Expat makes of a document.
class ExpatTree {
 public:
  explicit ExpatTree(std::string_view document) {
    const XML_Parser parser = XML_ParserCreateNS("UTF-8", kSeparator);
    XML_SetUserData(parser, this);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    XML_SetCommentHandler(parser, [](void* self, const XML_Char*) { of(self).restricted_ = true; });
    XML_SetProcessingInstructionHandler(
        parser, [](void* self, const XML_Char*, const XML_Char*) { of(self).restricted_ = true; });
    XML_SetStartDoctypeDeclHandler(
        parser, [](void* self, const XML_Char*, const XML_Char*, const XML_Char*, int) {
          of(self).restricted_ = true;
        });
    const auto size = static_cast<int>(document.size());
    well_formed_ = XML_Parse(parser, document.data(), size, XML_TRUE) == XML_STATUS_OK;
    if (!well_formed_) error_ = XML_ErrorString(XML_GetErrorCode(parser));
    XML_ParserFree(parser);
  }

  // Whether it is well-formed, and namespace-well-formed.
  bool well_formed() const { return well_formed_; }
  // Whether it holds what RFC 6120 §11.1 forbids.
  bool restricted() const { return restricted_; }
  const Element& tree() const { return tree_; }
  const std::string& error() const { return error_; }

 private:
  static constexpr char kSeparator = '\x01';  // cannot be in a document

  static ExpatTree& of(void* self) { return *static_cast<ExpatTree*>(self); }
  // A name as Expat tells it: namespace, separator, local name; or the local name alone.
  static std::pair<std::string_view, std::string_view> split(std::string_view name) {
    const std::size_t at = name.find(kSeparator);
    if (at == std::string_view::npos) return {{}, name};
    return {name.substr(0, at), name.substr(at + 1)};
  }
  static void on_start(void* self, const XML_Char* name, const XML_Char** attributes) {
    ExpatTree& here = of(self);
    const auto [ns, local] = split(name);
    if (here.open_.empty()) {
      here.tree_ = Element(ns, local);
      here.open_.push_back(here.tree_.ref());
    } else {
      here.open_.push_back(here.open_.back().append(ns, local));
    }
    for (; *attributes; attributes += 2) {
      const auto [attribute_ns, attribute] = split(attributes[0]);
      here.open_.back().set(attribute_ns, attribute, attributes[1]);
    }
  }
  static void on_end(void* self, const XML_Char*) { of(self).open_.pop_back(); }
  static void on_text(void* self, const XML_Char* text, int size) {
    of(self).open_.back().append_text({text, static_cast<std::size_t>(size)});
  }

  Element tree_;
  std::vector<ElementRef> open_;
  bool well_formed_ = false;
  bool restricted_ = false;
  std::string error_;
};

}  // namespace balcony::xml

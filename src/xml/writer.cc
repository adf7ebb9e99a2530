#include "xml/writer.h"

#include "xml/bindings.h"
#include "xml/escape.h"
#include "xml/small_stack.h"

#include <charconv>

namespace balcony::xml {
namespace {

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && (a.data() == b.data() || a == b);
}

class TreeWriter {
 public:
  TreeWriter(Sink& sink, const WriteOptions& options)
      : sink_(sink), options_(options), around_{options.scope_ns, true} {}

  void write(const Node* top) {
    const Node* at = top;
    while (true) {
      if (at->is_text) {
        put_text(sink_, at->name);
      } else if (start_tag(at, at == top)) {
        at = at->first;
        continue;
      }
      while (at != top && !at->next) {
        at = at->parent;
        end_tag(at);
      }
      if (at == top) return;
      at = at->next;
    }
  }

 private:
  // What holds around an element.
  struct Around {
    std::string_view default_ns;  // as the wire calls it
    bool content;                 // all above are in the content namespace
  };

  // The prefix of an element that is not written by the default namespace.
  std::string_view prefix_of(const Node* node) const {
    if (options_.stream_prefix && same(node->ns, kStreamNs)) return "stream:";
    // Namespaces in XML §3: it cannot be a default namespace, and its prefix is always declared.
    if (same(node->ns, kXmlNs)) return "xml:";
    return {};
  }

  // Returns whether the element is open now, its children to be written.
  bool start_tag(const Node* node, bool top) {
    const bool content = around_.content && same(node->ns, kClientNs);
    std::string_view ns = content ? options_.content_ns : node->ns;
    if (same(ns, kXmlnsNs)) ns = {};  // Namespaces in XML §3: no element may be in it
    std::string_view default_ns = around_.default_ns;
    sink_.put('<');
    if (same(ns, default_ns)) {
      put_name(sink_, node->name);
    } else if (const std::string_view prefix = prefix_of(node); !prefix.empty()) {
      sink_.put(prefix);
      put_name(sink_, node->name);
    } else {
      put_name(sink_, node->name);
      sink_.put(" xmlns='");
      put_value(sink_, ns);
      sink_.put('\'');
      default_ns = ns;
    }
    attributes(node, top);
    if (!node->first) {
      sink_.put("/>");
      return false;
    }
    sink_.put('>');
    open_.push(around_);
    around_ = {default_ns, content};
    return true;
  }

  void end_tag(const Node* node) {
    around_ = open_.top();
    open_.pop();
    sink_.put("</");
    const bool content = around_.content && same(node->ns, kClientNs);
    const std::string_view ns = content ? options_.content_ns : node->ns;
    if (!same(ns, around_.default_ns)) sink_.put(prefix_of(node));
    put_name(sink_, node->name);
    sink_.put('>');
  }

  void attributes(const Node* node, bool top) {
    bool to = top && !options_.to.empty();
    for (const Attribute* a = node->attributes; a; a = a->next) {
      std::string_view value = a->value;
      if (!a->ns.empty()) {
        if (!attribute_prefix(node, a)) continue;
      } else {
        sink_.put(' ');
        if (to && a->name == "to") {
          value = options_.to;
          to = false;
        }
      }
      put_name(sink_, a->name);
      put_value_of(value);
    }
    if (!to) return;
    sink_.put(" to");
    put_value_of(options_.to);
  }

  void put_value_of(std::string_view value) {
    sink_.put("='");
    put_value(sink_, value);
    sink_.put('\'');
  }

  // Writes a space and the prefix of an attribute in a namespace, after its declaration where the
  // element has none yet. False: the attribute is a declaration, which trees do not hold.
  bool attribute_prefix(const Node* node, const Attribute* attribute) {
    if (same(attribute->ns, kXmlNs)) {
      sink_.put(" xml:");
      return true;
    }
    if (same(attribute->ns, kXmlnsNs)) return false;
    // The prefix is `a` with the place of the first attribute that has this namespace.
    unsigned place = 0;
    const Attribute* first = node->attributes;
    for (; !same(first->ns, attribute->ns); first = first->next) ++place;
    char prefix[16] = {'a'};
    const char* const end = std::to_chars(prefix + 1, prefix + sizeof(prefix), place).ptr;
    const std::string_view name(prefix, end);
    if (first == attribute) {
      sink_.put(" xmlns:");
      put_name(sink_, name);
      put_value_of(attribute->ns);
    }
    sink_.put(' ');
    put_name(sink_, name);
    sink_.put(':');
    return true;
  }

  Sink& sink_;
  const WriteOptions& options_;
  Around around_;
  SmallStack<Around, 16> open_;
};

}  // namespace

void write(std::string& out, ElementView element, const WriteOptions& options) {
  if (!element) return;
  Sink sink(out);
  TreeWriter(sink, options).write(element.node());
}

std::string to_string(ElementView element) {
  std::string out;
  write(out, element, {.scope_ns = {}, .stream_prefix = false});
  return out;
}

void append_escaped_text(std::string& out, std::string_view text) {
  Sink sink(out);
  put_text(sink, text);
}

void append_escaped_attribute(std::string& out, std::string_view value) {
  Sink sink(out);
  put_value(sink, value);
}

}  // namespace balcony::xml

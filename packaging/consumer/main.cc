// Uses the installed library as a stranger would: public headers, nothing else.
#include <balcony/element.h>
#include <balcony/task.h>

#include <cstdio>
#include <string>

namespace {

balcony::Task<std::string> greeting() {
  balcony::xml::Element message("jabber:client", "message");
  message.append_text_element("jabber:client", "body", "Good evening");
  co_return message.child("jabber:client", "body").text();
}

}  // namespace

int main() {
  balcony::Task<std::string> task = greeting();
  if (!task.start()) return 1;
  return std::puts(task.take().c_str()) < 0;
}

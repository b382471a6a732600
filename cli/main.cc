// reeve: the operator's command line. Fills a World with the real things and runs the command.
#include <cstdlib>

#include "cli/http.h"
#include "cli/keyboard.h"
#include "cli/run.h"
#include "cli/terminal.h"

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

}  // namespace

int main(int argc, char** argv) {
  using namespace reeve;
  using namespace reeve::cli;

  StopSignal stop;
  SystemClock clock;
  SystemRandom random;
  const std::unique_ptr<Screen> screen = make_screen();
  const std::unique_ptr<HttpFetch> http = make_http_fetch(stop.descriptor());
  const std::unique_ptr<Keyboard> keyboard = make_keyboard(stop.descriptor());
  World world{.http = *http,
              .screen = *screen,
              .patience = stop,
              .keyboard = *keyboard,
              .disk = sys::real_disk(),
              .clock = clock,
              .random = random,
              .environment = {.home = variable("HOME"),
                              .folder = variable("REEVE_HOME"),
                              .url = variable("REEVE_URL"),
                              .key_file = variable("REEVE_KEY_FILE"),
                              .ca_file = variable("REEVE_CA_FILE")}};
  return run(std::vector<std::string>(argv + 1, argv + argc), world);
}

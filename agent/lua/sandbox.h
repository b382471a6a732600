// One Lua state that cannot do harm: what a script may use up is bounded, and what it may reach is what we put there.
//
// Everything is paid for in units. A VM instruction costs one, allocated memory one for each 64 bytes, and C functions
// whose work grows with their arguments pay for it before they begin, because Lua's count hook does not see them. The
// hook also looks at the thread's CPU time. A run that has used up what it was given is over: from then on the hook
// fires at each instruction until the stack is empty, so a pcall catches the error and gets no further.
//
//     instructions   units_max for a line, load_units_max for loading
//     time           CPU time of this thread
//     memory         all that the state holds; a single string and the stack have bounds of their own
//     output         what a script makes of one line
//
// A state belongs to one script: what another one leaves in memory is never its trouble. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "agent/lua/pattern_cache.h"
#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/time.h"

struct lua_State;
struct lua_Debug;

namespace reeve::agent::lua {

struct Limits {
  uint64_t units_max = 500'000;
  uint64_t load_units_max = 2'000'000;
  Duration cpu_max = 50ms;
  Duration load_cpu_max = 500ms;
  size_t memory_bytes_max = 8_MiB;
  size_t string_bytes_max = 2_MiB;
  size_t stack_bytes_max = 256_KiB;  // 16 bytes a value; what one instruction moves at most
  size_t script_bytes_max = 256_KiB;
  size_t output_bytes_max = 1_MiB;
  size_t records_max = 100;  // emitted from one line
};

enum class Breach : uint8_t { none, instructions, time, memory, output };
std::string_view to_string(Breach breach);

class Sandbox {
 public:
  // Unavailable: the host has no memory for it.
  static Result<std::unique_ptr<Sandbox>> open(const Limits& limits);
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  lua_State* state() const { return state_; }
  const Limits& limits() const { return limits_; }
  PatternCache& patterns() { return patterns_; }
  size_t memory_bytes() const { return memory_bytes_; }

  // A fresh allowance.
  void begin_run(uint64_t units_max, Duration cpu_max);
  // Calls what lies on the stack, under the allowance. What it raised is left there as a text.
  Status call(int arguments, int results);
  Breach breached() const { return breach_; }
  uint64_t units_used() const { return used_; }

  // For C functions, before they begin. False: that was too much, and the breach is noted; raise an error.
  bool spend(uint64_t units);
  void note_breach(Breach breach);
  void look_at_clock();
  // What a breach is called in the record's parse_error.
  std::string breach_text() const;

  // Given back, so that one greedy line does not make the next one fail.
  void collect_garbage();

 private:
  explicit Sandbox(const Limits& limits) : limits_(limits) {}

  static void* allocate(void* self, void* block, size_t old_bytes, size_t bytes);
  static void on_hook(lua_State* state, lua_Debug* activation);
  bool admits(size_t old_bytes, size_t bytes, size_t block_bytes_max);
  bool is_next_stack(size_t bytes) const;

  const Limits limits_;
  lua_State* state_ = nullptr;
  PatternCache patterns_;
  size_t memory_bytes_ = 0;
  struct Block {
    void* block = nullptr;
    size_t bytes = 0;
  };
  Block stack_;         // Lua's
  Block last_untyped_;  // what was asked for last that is no object
  bool last_was_refused_ = false;
  uint32_t refusals_ = 0;  // of this run; each makes Lua collect everything

  Breach breach_ = Breach::none;
  bool running_ = false;
  uint64_t used_ = 0;
  uint64_t units_max_ = 0;
  uint64_t look_at_ = 0;  // at the clock, when so many units are used
  Duration cpu_max_{};
  int64_t cpu_begin_ns_ = 0;  // 0: not looked at yet; most runs end before
};

}  // namespace reeve::agent::lua

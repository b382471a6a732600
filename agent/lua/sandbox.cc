#include "agent/lua/sandbox.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include "agent/lua/sandbox_impl.h"

namespace reeve::agent::lua {

namespace {

constexpr int hook_interval = 250;          // instructions
constexpr uint64_t look_interval = 1000;    // units between two looks at the clock
constexpr size_t bytes_per_unit = 64;       // of allocated memory
constexpr size_t unwinding_bytes = 64_KiB;  // beyond the cap, for the error itself
constexpr uint32_t refusals_max = 4;        // in one run
constexpr int stack_slots = 64;

int64_t thread_cpu_ns() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

int open_libraries(lua_State* state) {
  push_base(state);
  push_string(state);
  push_read_only(state);
  lua_setfield(state, -2, "string");
  push_table(state);
  push_read_only(state);
  lua_setfield(state, -2, "table");
  push_math(state);
  push_read_only(state);
  lua_setfield(state, -2, "math");
  push_utf8(state);
  push_read_only(state);
  lua_setfield(state, -2, "utf8");
  lua_rawseti(state, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  return 0;
}

}  // namespace

std::string_view to_string(Breach breach) {
  switch (breach) {
    case Breach::none:
      return "none";
    case Breach::instructions:
      return "instructions";
    case Breach::time:
      return "time";
    case Breach::memory:
      return "memory";
    case Breach::output:
      return "output";
  }
  return "none";
}

Result<std::unique_ptr<Sandbox>> Sandbox::open(const Limits& limits) {
  std::unique_ptr<Sandbox> sandbox(new Sandbox(limits));
  lua_State* state = lua_newstate(&Sandbox::allocate, sandbox.get());
  if (state == nullptr) return Error(Code::unavailable, "make a Lua state: no memory");
  sandbox->state_ = state;
  *static_cast<Sandbox**>(lua_getextraspace(state)) = sandbox.get();
  lua_pushcfunction(state, open_libraries);
  if (lua_pcall(state, 0, 0, 0) != LUA_OK || lua_checkstack(state, stack_slots) == 0) {
    return Error(Code::unavailable, "make a Lua state: no memory");
  }
  return sandbox;
}

Sandbox::~Sandbox() {
  if (state_ != nullptr) lua_close(state_);
}

void Sandbox::begin_run(uint64_t units_max, Duration cpu_max) {
  breach_ = Breach::none;
  used_ = 0;
  units_max_ = units_max;
  look_at_ = look_interval;
  cpu_max_ = cpu_max;
  cpu_begin_ns_ = 0;
  refusals_ = 0;
  last_was_refused_ = false;
}

Status Sandbox::call(int arguments, int results) {
  running_ = true;
  lua_sethook(state_, on_hook, LUA_MASKCOUNT, hook_interval);
  const int status = lua_pcall(state_, arguments, results, 0);
  running_ = false;
  if (status == LUA_OK && breach_ == Breach::none) return {};
  if (status == LUA_OK) lua_settop(state_, lua_gettop(state_) - results);
  std::string text = "raised something that is not a text";
  if (breach_ != Breach::none) {
    text = breach_text();
  } else if (status == LUA_ERRMEM) {
    text = "no memory";
  } else if (lua_type(state_, -1) == LUA_TSTRING) {
    size_t size = 0;
    const char* raised = lua_tolstring(state_, -1, &size);
    text.assign(raised, std::min<size_t>(size, 512));
  }
  if (status != LUA_OK) lua_pop(state_, 1);
  return Error(breach_ == Breach::none ? Code::invalid : Code::exhausted, std::move(text));
}

bool Sandbox::spend(uint64_t units) {
  if (breach_ != Breach::none) return false;
  if (!running_) return true;
  used_ += units;
  if (used_ > units_max_) {
    note_breach(Breach::instructions);
  } else if (used_ >= look_at_) {
    look_at_clock();
  }
  return breach_ == Breach::none;
}

void Sandbox::look_at_clock() {
  look_at_ = used_ + look_interval;
  const int64_t now = thread_cpu_ns();
  if (cpu_begin_ns_ == 0) cpu_begin_ns_ = now;
  if (now - cpu_begin_ns_ > cpu_max_.count()) note_breach(Breach::time);
}

// Also from within the allocator; lua_sethook may be called at any time.
void Sandbox::note_breach(Breach breach) {
  if (!running_) return;
  if (breach_ == Breach::none) breach_ = breach;
  lua_sethook(state_, on_hook, LUA_MASKCOUNT, 1);
}

std::string Sandbox::breach_text() const {
  switch (breach_) {
    case Breach::none:
      return {};
    case Breach::instructions:
      return "used up its " + std::to_string(units_max_) + " instructions";
    case Breach::time:
      return "used up its " + format_duration(cpu_max_) + " of CPU time";
    case Breach::memory:
      return "used up its " + std::to_string(limits_.memory_bytes_max / 1_KiB) + " KiB of memory";
    case Breach::output:
      return "made too much of one line; allowed: " + std::to_string(limits_.output_bytes_max / 1_KiB) + " KiB and " +
             std::to_string(limits_.records_max) + " records";
  }
  return {};
}

void Sandbox::on_hook(lua_State* state, lua_Debug*) {
  Sandbox& sandbox = sandbox_of(state);
  if (sandbox.breach_ == Breach::none) (void)sandbox.spend(hook_interval);  // note_breach() arms this hook again
  if (sandbox.breach_ != Breach::none) luaL_error(state, "used up: %s", to_string(sandbox.breach_).data());
}

void Sandbox::collect_garbage() {
  lua_gc(state_, LUA_GCCOLLECT, 0);
}

// A first refusal makes Lua collect all garbage and ask again; the second one in a row is final. A script that lives
// at the cap would collect all the time, so that is a breach, too.
bool Sandbox::admits(size_t old_bytes, size_t bytes, size_t block_bytes_max) {
  const size_t slack = breach_ == Breach::none ? 0 : unwinding_bytes;
  const bool fits = memory_bytes_ - old_bytes + bytes <= limits_.memory_bytes_max + slack;
  if (fits && bytes <= block_bytes_max) {
    last_was_refused_ = false;
    return true;
  }
  ++refusals_;
  if (last_was_refused_ || refusals_ > refusals_max || fits) note_breach(Breach::memory);
  last_was_refused_ = true;
  return false;
}

// Lua 5.4.4 grows its stack by making one of twice the size and giving the old one back right after. So the stack is
// the block that was asked for last when the one we know goes; and a request for just that size is the next stack.
bool Sandbox::is_next_stack(size_t bytes) const {
  constexpr size_t spare_bytes = 80;  // five values that Lua keeps beyond the size it counts
  return stack_.block != nullptr && bytes == 2 * stack_.bytes - spare_bytes;
}

void* Sandbox::allocate(void* self, void* block, size_t old_bytes, size_t bytes) {
  auto& sandbox = *static_cast<Sandbox*>(self);
  size_t block_bytes_max = SIZE_MAX;
  bool untyped = false;
  if (block == nullptr) {
    // `old_bytes` says what it will be.
    untyped = old_bytes == 0;
    if (old_bytes == LUA_TSTRING) block_bytes_max = sandbox.limits_.string_bytes_max;
    if (untyped && sandbox.is_next_stack(bytes)) block_bytes_max = sandbox.limits_.stack_bytes_max;
    old_bytes = 0;
  }
  if (bytes == 0) {
    if (block != nullptr && block == sandbox.stack_.block) sandbox.stack_ = sandbox.last_untyped_;
    sandbox.memory_bytes_ -= old_bytes;
    std::free(block);
    return nullptr;
  }
  if (bytes > old_bytes) {
    if (!sandbox.admits(old_bytes, bytes, block_bytes_max)) return nullptr;
    (void)sandbox.spend((bytes - old_bytes) / bytes_per_unit);
  }
  void* moved = std::realloc(block, bytes);
  if (moved == nullptr) return bytes <= old_bytes ? block : nullptr;
  sandbox.memory_bytes_ += bytes - old_bytes;
  if (untyped) {
    sandbox.last_untyped_ = {moved, bytes};
    // The first one that a new state asks for is its stack.
    if (sandbox.stack_.block == nullptr) sandbox.stack_ = sandbox.last_untyped_;
  }
  return moved;
}

}  // namespace reeve::agent::lua

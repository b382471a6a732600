// See org.h.
#include "server/org.h"

#include <algorithm>
#include <utility>

#include "common/base/log.h"
#include "common/sys/yaml.h"
#include "server/query/log_block_cache.h"

namespace reeve::server {
namespace {

// Whether ingest leaves enough of the disk for queries to go on. On a small disk the reserve is a twentieth of it.
Status room_on_disk(sys::Disk& disk, const std::string& path, uint64_t free_min) {
  const sys::DiskSpace space = TRY(disk.space(path));
  const uint64_t reserve = std::min(free_min, space.total_bytes / 20);
  if (space.available_bytes >= reserve) return {};
  return Error(Code::exhausted, "the disk of " + path + " is full: " + sys::format_size(space.available_bytes) +
                                    " are left, " + sys::format_size(reserve) + " are kept free");
}

}  // namespace

// Runs `work` on the loop, if we still live then. Any thread.
void Org::on_loop(std::function<void(Org&)> work, const char* stage) {
  world.loop.post(
      [weak = weak_from_this(), work = std::move(work)] {
        if (const auto self = weak.lock()) work(*self);
      },
      stage);
}

Result<std::shared_ptr<Org>> Org::open(World world, Options options) {
  const std::vector<Agent> known = TRY(world.store.list_agents());
  const std::string name = options.authority.org();
  std::shared_ptr<Org> org(new Org(world, std::move(options.authority)));
  Org* raw = org.get();

  StoreWriter::Options writing;
  writing.probe = [&disk = world.disk, path = options.directory, free_min = options.disk_free_min] {
    return room_on_disk(disk, path, free_min);
  };
  writing.on_group = [raw, on_commit = options.on_commit] {
    raw->on_loop([on_commit](Org&) { on_commit(); }, "commit");
  };
  org->writer = std::make_unique<StoreWriter>(world.store, world.counters, std::move(writing));

  Checkpoints::Options signing;
  signing.org = name;
  signing.interval = options.checkpoint_interval;
  signing.on_signed = [raw] { raw->on_loop([](Org& self) { self.links->show_audit_heads(); }, "checkpoint"); };
  org->checkpoints = std::make_unique<Checkpoints>(
      Checkpoints::World{.store = world.store, .writer = *org->writer, .counters = world.counters.audit},
      std::move(options.audit_key), std::move(signing));

  org->links = std::make_unique<Links>(Links::World{.loop = world.loop,
                                                    .writer = *org->writer,
                                                    .authority = org->authority,
                                                    .checkpoints = org->checkpoints.get(),
                                                    .counters = world.counters},
                                       Links::Options{}, known);

  org->intake = std::make_unique<Intake>(world.store, *org->writer, world.counters.doors,
                                         Intake::Options{.org = name, .packing = {.retention = options.retention}});

  org->context = std::make_unique<ApiContext>(ApiContext{
      .store = world.store,
      .writer = *org->writer,
      .authority = org->authority,
      .counters = world.counters,
      .org = name,
      .link_address = options.link_address,
      .api_url = options.api_url,
      .find_org = options.find_org,
      .on_enrolled =
          [raw](const Uuid& id) { raw->on_loop([id](Org& self) { self.links->add_agent(id); }, "enrolment"); },
      .on_revoked = [raw](const Uuid& id) { raw->on_loop([id](Org& self) { self.links->revoke(id); }, "revocation"); },
      .on_watched =
          [raw](Duration at_least) {
            raw->on_loop([at_least](Org& self) { self.links->watch(at_least); }, "live hint");
          },
      .intake = org->intake.get(),
      .log_blocks = std::make_shared<LogBlockCache>(),
      .checkpoints = org->checkpoints.get(),
  });
  return org;
}

void Org::stop() {
  checkpoints->stop();
  writer->stop();
}

void Org::drop_before(const std::string& day) {
  const bool taken = writer->try_run([this, day](Store& store) {
    const Result<uint64_t> dropped = store.drop_days_before(day);
    if (!dropped.ok()) {
      log_error("retention failed", {{"org", name()}, {"before", day}, {"error", dropped.error().text()}});
    } else if (*dropped > 0) {
      world.counters.blocks_expired += *dropped;
      log_info("days dropped by retention", {{"org", name()}, {"before", day}, {"blocks", *dropped}});
    }
  });
  if (!taken) log_warn("retention waits for the next hour", {{"org", name()}, {"before", day}});
}

}  // namespace reeve::server

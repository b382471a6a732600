// The spool's inside: what is on disk (SpoolContents), kept true while blocks come and go.
//
// A segment is born whole: snapshot, and the blocks that have to be written anew, go into a file that is synced before
// it gets its name. So a segment that exists is one whose opening is durable, and everything older than its snapshot
// lists may go.
//
// Lives on the disk worker.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/spool.h"
#include "agent/spool_format.h"
#include "agent/spool_quarantine.h"
#include "agent/spool_recovery.h"
#include "agent/spool_segment.h"

namespace reeve::agent {

struct Spool::State {
  sys::Disk& disk;
  Random& random;
  const Uuid agent;
  const Options options;
  SpoolQuarantine quarantine;
  SpoolContents contents;
  std::unique_ptr<SegmentWriter> writer;  // none, or broken: the next append begins a segment
  uint64_t unsynced_bytes = 0;

  State(sys::Disk& on_disk, Random& with_random, const Uuid& of_agent, Options with_options)
      : disk(on_disk),
        random(with_random),
        agent(of_agent),
        options(std::move(with_options)),
        quarantine(disk, options.directory + "/quarantine") {}

  std::string path_of(const SegmentName& name) const { return options.directory + "/" + to_string(name); }
  uint64_t& acknowledged(wire::Lane lane) { return contents.acknowledged[index_of(lane)]; }
  uint64_t& next(wire::Lane lane) { return contents.next[index_of(lane)]; }

  uint64_t bytes_held() const;
  uint64_t next_to_append(wire::Lane lane) const;
  Snapshot snapshot() const;
  Bytes checkpoint(const std::vector<wire::SourcePosition>& positions) const;
  void note_writer();

  Status write_opening(SegmentWriter& to, std::vector<HeldBlock>& places);
  Status begin_segment();
  Status sync_in_place();
  Status make_room(uint64_t bytes);
  void make_durable();
  Status sync();
  void write_checkpoint(const std::vector<wire::SourcePosition>& positions);
  void delete_acknowledged_segments();
  void set_aside(wire::Lane lane, uint64_t sequence, const HeldBlock& block, BytesView bytes, std::string reason);
  Result<Bytes> read_payload(const HeldBlock& block);
  Status begin_new_epoch();
};

}  // namespace reeve::agent

// The decisions that both stores share.
#include "server/store/rules.h"

#include <algorithm>

#include "common/wire/search.h"

namespace reeve::server {

Result<uint64_t> head_bytes(BytesView block) {
  const wire::Preamble preamble = TRY(wire::parse_preamble(block));
  const uint64_t head = wire::preamble_bytes + uint64_t{preamble.header_bytes};
  if (head > block.size()) {
    return Error(Code::corrupt,
                 "the block's header ends at byte " + std::to_string(head) + " of " + std::to_string(block.size()));
  }
  return head;
}

Result<BlockRef> describe_head(const StoredHead& stored) {
  const wire::Preamble preamble = TRY_DURING(wire::parse_preamble(stored.head), "store a block");
  if (preamble.identity != stored.identity || stored.identity.sequence == 0 ||
      stored.identity.sequence > sequence_max) {
    return Error(Code::invalid, "store a block: it is stamped as sequence " +
                                    std::to_string(preamble.identity.sequence) + " of agent " +
                                    to_string(preamble.identity.agent) + ", and came as sequence " +
                                    std::to_string(stored.identity.sequence) + " of agent " +
                                    to_string(stored.identity.agent) + "; both must agree, from 1 to 2^63-1");
  }
  const wire::BlockHeader header = TRY_DURING(wire::parse_header(stored.head), "store a block");

  BlockRef ref;
  ref.day = format_day(stored.arrival);
  ref.kind = preamble.kind;
  ref.identity = stored.identity;
  ref.arrival = stored.arrival;
  ref.time_min = header.time_min;
  ref.time_max = header.time_max;
  ref.rows = header.rows;
  ref.bytes = stored.bytes;
  TRY(check_day(ref.day));
  return ref;
}

Result<BlockRef> describe_block(const IncomingBlock& block) {
  return describe_head({block.identity, block.arrival, block.bytes, block.bytes.size()});
}

Status check_stamp(const BlockRef& block, BytesView bytes) {
  const wire::Preamble preamble = TRY(wire::parse_preamble(bytes));
  if (preamble.identity == block.identity) return {};
  return Error(Code::corrupt, "block " + std::to_string(block.commit_id) + " of " + block.day +
                                  " is stamped as another one than the index says");
}

bool is_whole(const BlockRef& block, BytesView bytes) {
  if (!check_stamp(block, bytes).ok() || !wire::verify_block(bytes).ok()) return false;
  if (block.kind == wire::BlockKind::metrics) {
    const auto series = wire::read_metric_block(bytes, {});
    return series.ok() || series.error().code() != Code::corrupt;
  }
  const Status columns = wire::check_log_columns(bytes);
  return columns.ok() || columns.error().code() != Code::corrupt;
}

CommitResult place_block(uint64_t through, uint64_t sequence) {
  if (sequence <= through) return CommitResult::duplicate;
  return sequence == through + 1 ? CommitResult::stored : CommitResult::out_of_order;
}

Result<CommitResult> place_gap(uint64_t through, const IncomingGap& gap) {
  if (gap.from == 0 || gap.from > gap.to || gap.to > sequence_max) {
    return Error(Code::invalid, "record a gap: from " + std::to_string(gap.from) + " to " + std::to_string(gap.to) +
                                    "; it must lie within 1 to 2^63-1 and not end before it begins");
  }
  if (gap.to <= through) return CommitResult::duplicate;
  return gap.from <= through + 1 ? CommitResult::stored : CommitResult::out_of_order;
}

Status check_token(const std::optional<TokenState>& token, WallTime now) {
  if (!token) return Error(Code::denied, "the enrolment token is unknown");
  if (token->used) return Error(Code::denied, "the enrolment token was used before; each token enrols one agent");
  if (token->expires <= now) {
    return Error(Code::denied, "the enrolment token expired at " + format_rfc3339(token->expires));
  }
  return {};
}

Status check_new_token(const std::optional<TokenState>& known, const EnrolToken& token) {
  if (!known || (!known->used && known->expires == token.expires)) return {};
  return Error(Code::invalid, known->used ? "this enrolment token was used before"
                                          : "this enrolment token exists already, with another expiry");
}

std::string join_words(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::vector<std::string> split_words(const std::string& text) {
  std::vector<std::string> words;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    if (end > at) words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

Status check_day(const std::string& day) {
  if (day.size() == 10 && parse_rfc3339(day + "T00:00:00Z")) return {};
  return Error(Code::invalid, "a day is written like 2026-11-21; found \"" + printable(day) + "\"");
}

bool matches(const BlockQuery& query, const BlockRef& block) {
  return block.kind == query.kind && block.time_max >= query.from && block.time_min < query.to &&
         (!query.agent || *query.agent == block.identity.agent) && block.commit_id > query.after_commit_id &&
         block.commit_id <= query.through_commit_id;
}

}  // namespace reeve::server

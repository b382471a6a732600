// What both stores must decide alike: what the index says of a block, where a sequence belongs, and which token counts.
//
// Pure functions; the stores differ only in where they keep things.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "server/store/store.h"

namespace reeve::server {

// Gaps that list_gaps gives at most, the newest ones.
constexpr size_t gaps_listed_max = 1000;

// Files keep sequences as signed numbers.
constexpr uint64_t sequence_max = INT64_MAX;

// Of a gap's reason, which an agent wrote; cut beyond.
constexpr size_t gap_reason_bytes_max = 512;

// A redeemed or expired token is remembered this long, so that the refusal can say which of these it was.
constexpr Duration token_memory = 24h * 7;

// The index entry of a block, from its own preamble and header; commit_id is left 0. Code::corrupt where they do not
// parse, Code::invalid where the identity beside the bytes is not the one inside.
Result<BlockRef> describe_block(const IncomingBlock& block);

// The same from preamble and header alone; `bytes` is what the whole block has.
struct StoredHead {
  wire::BlockIdentity identity;  // beside the bytes
  WallTime arrival;
  BytesView head;
  uint64_t bytes = 0;
};
Result<BlockRef> describe_head(const StoredHead& stored);

// Code::corrupt where the bytes read are stamped as another block than the index says.
Status check_stamp(const BlockRef& block, BytesView bytes);

// Whether the bytes are this very block, every checksum agrees, and its rows can be read. What a newer release wrote
// counts as whole. set_aside looks again with this: a reader may have met the block while its file was under repair.
bool is_whole(const BlockRef& block, BytesView bytes);

// The part of a block's bytes that parse_header needs: preamble and header.
Result<uint64_t> head_bytes(BytesView block);

CommitResult place_block(uint64_t through, uint64_t sequence);

// Code::invalid for an empty range. What is already stored of the range is not missing: the gap to record begins after
// `through`.
Result<CommitResult> place_gap(uint64_t through, const IncomingGap& gap);

// A token as it is remembered.
struct TokenState {
  WallTime expires;
  bool used = false;
};
Status check_token(const std::optional<TokenState>& token, WallTime now);
// The same token again is fine, for a caller who never heard the first answer; one that was used, or another expiry, is
// Code::invalid.
Status check_new_token(const std::optional<TokenState>& known, const EnrolToken& token);

// A list of names as one text, parted by blanks.
std::string join_words(const std::vector<std::string>& words);
std::vector<std::string> split_words(const std::string& text);

// "2026-11-21", and nothing else.
Status check_day(const std::string& day);

// Whether the block's times meet [from, to), and the other conditions hold.
bool matches(const BlockQuery& query, const BlockRef& block);

}  // namespace reeve::server

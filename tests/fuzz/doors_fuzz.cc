// Pushed signals: items of JSON, OTLP as JSON and as Protobuf, and the packing of whatever came out. The first byte
// says which door it is.
#include "common/wire/block.h"
#include "proto/otlp.pb.h"
#include "server/doors/json_items.h"
#include "server/doors/otlp_convert.h"
#include "server/doors/otlp_json.h"
#include "server/doors/packer.h"
#include "tests/fuzz/fuzz.h"

using namespace reeve;
using namespace reeve::server;

namespace {

constexpr WallTime noon{1'795'262'400'000'000'000};

// Whatever a door lets through makes blocks that verify, and holds views of its own text alone.
void pack(const SignalBatch& batch) {
  DoorCounters counters;
  Packer packer(counters, {});
  const SignalBatch* const batches[] = {&batch};
  for (const PackedBlock& block : packer.pack(batches, {}, noon)) {
    check(wire::verify_block(block.bytes).ok(), "what was packed is a block");
  }
}

template <typename Request>
void convert_and_pack(const Request& request) {
  pack(convert(request).batch);
}

}  // namespace

FUZZ_TARGET(doors, bytes) {
  if (bytes.empty()) return;
  const auto door = static_cast<unsigned char>(bytes[0]) % 10;
  const BytesView body = bytes.substr(1);
  if (door <= static_cast<int>(ItemForm::service_metric)) {
    const Result<DecodedItems> decoded = decode_items(body, static_cast<ItemForm>(door));
    if (decoded.ok()) pack(decoded->batch);
  } else if (door == 6 || door == 7) {
    proto::otlp::LogsRequest logs;
    proto::otlp::MetricsRequest metrics;
    if (door == 6 && parse_otlp_json(body, logs).ok()) convert_and_pack(logs);
    if (door == 7 && parse_otlp_json(body, metrics).ok()) convert_and_pack(metrics);
  } else if (door == 8) {
    proto::otlp::LogsRequest logs;
    if (logs.ParseFromArray(body.data(), static_cast<int>(body.size()))) convert_and_pack(logs);
  } else {
    proto::otlp::MetricsRequest metrics;
    if (metrics.ParseFromArray(body.data(), static_cast<int>(body.size()))) convert_and_pack(metrics);
  }
}

// Frames and payloads: what finding, checking and writing one costs.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "proto/codec.h"
#include "proto/frame.h"
#include "proto/message_view.h"

namespace solec {
namespace {

Message SomeMessage(const std::string& content) {
  return {"alice@a.example", "bob@a.example", {1'700'000'000}, content};
}

std::vector<uint8_t> Stream(size_t count, size_t content_bytes) {
  std::vector<uint8_t> stream;
  const std::string content(content_bytes, 'x');
  for (size_t i = 0; i < count; ++i) AppendFrame(SomeMessage(content), &stream);
  return stream;
}

// As the router does it: lengths only, and the content's UTF-8.
void BM_ParseMessage(benchmark::State& state) {
  constexpr size_t kCount = 64;
  const std::vector<uint8_t> bytes = Stream(kCount, static_cast<size_t>(state.range(0)));
  for (auto _ : state) {
    Bytes stream = bytes;
    Frame frame;
    while (TakeFrame(&stream, &frame)) {
      MessageView view;
      bool good = ParseMessage(frame.payload, &view) && IsValidUtf8(view.content);
      benchmark::DoNotOptimize(good);
    }
  }
  state.SetItemsProcessed(state.iterations() * kCount);
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes.size()));
}
BENCHMARK(BM_ParseMessage)->ArgName("content")->Arg(16)->Arg(64)->Arg(1024);

// Every field, every string checked.
void BM_DecodeMessage(benchmark::State& state) {
  const std::vector<uint8_t> bytes = Stream(1, static_cast<size_t>(state.range(0)));
  const Bytes payload = Bytes(bytes).subspan(kFrameHeaderSize);
  for (auto _ : state) {
    Message message;
    DecodeError error = Decode(payload, &message);
    benchmark::DoNotOptimize(error);
    benchmark::DoNotOptimize(message);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_DecodeMessage)->ArgName("content")->Arg(16)->Arg(64)->Arg(1024);

void BM_EncodeMessage(benchmark::State& state) {
  const std::string content(static_cast<size_t>(state.range(0)), 'x');
  const Message message = SomeMessage(content);
  std::vector<uint8_t> buffer(FrameSize(message));
  for (auto _ : state) {
    benchmark::DoNotOptimize(Encode(message, buffer.data()));
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_EncodeMessage)->ArgName("content")->Arg(16)->Arg(64)->Arg(1024);

void BM_EncodeAccepted(benchmark::State& state) {
  uint8_t buffer[16];
  uint8_t* to = buffer;
  uint64_t number = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(to);
    benchmark::DoNotOptimize(Encode(Accepted{++number}, to));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(BM_EncodeAccepted);

}  // namespace
}  // namespace solec

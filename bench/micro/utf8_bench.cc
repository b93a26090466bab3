// UTF-8 validation, by size and by what the text is made of.
#include <benchmark/benchmark.h>

#include <string>

#include "base/utf8.h"

namespace solec {
namespace {

void Validate(benchmark::State& state, std::string_view unit) {
  std::string text;
  while (text.size() + unit.size() <= static_cast<size_t>(state.range(0))) text += unit;
  for (auto _ : state) {
    benchmark::DoNotOptimize(text.data());
    bool good = IsValidUtf8(text);
    benchmark::DoNotOptimize(good);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text.size()));
}

void BM_Utf8Ascii(benchmark::State& state) {
  Validate(state, "plain ");
}
void BM_Utf8Latin(benchmark::State& state) {
  Validate(state, "na\xc3\xafve ");
}
void BM_Utf8Cjk(benchmark::State& state) {
  Validate(state, "\xe6\xbc\xa2\xe5\xad\x97");
}
void BM_Utf8Emoji(benchmark::State& state) {
  Validate(state, "\xf0\x9f\x98\x80");
}

BENCHMARK(BM_Utf8Ascii)->Arg(6)->Arg(16)->Arg(64)->Arg(256)->Arg(4096)->Arg(61440);
BENCHMARK(BM_Utf8Latin)->Arg(64)->Arg(4096);
BENCHMARK(BM_Utf8Cjk)->Arg(64)->Arg(4096);
BENCHMARK(BM_Utf8Emoji)->Arg(64)->Arg(4096);

}  // namespace
}  // namespace solec

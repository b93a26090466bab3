// The golden vectors of tests/vectors/vectors.json: frames as bytes with their fields.
#pragma once

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "proto/frame.h"

namespace solec {

struct Vector {
  std::string name;
  std::string bytes;      // one whole frame
  nlohmann::json fields;  // null if the payload is malformed
  bool encode = false;    // its fields encode to just these bytes

  bool malformed() const { return fields.is_null(); }
  Frame frame() const {
    Bytes stream = AsBytes(bytes);
    Frame one{};
    TakeFrame(&stream, &one);
    return one;
  }
};

inline std::string BytesOfVectorHex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

// All of them; a file that is missing or not as expected throws, and the test fails.
inline std::vector<Vector> ReadVectors() {
  std::ifstream file(SOLEC_SOURCE_DIR "/tests/vectors/vectors.json");
  std::vector<Vector> vectors;
  for (const nlohmann::json& entry : nlohmann::json::parse(file)) {
    Vector vector{.name = entry.at("name"),
                  .bytes = BytesOfVectorHex(entry.at("hex")),
                  .fields = entry.value("fields", nlohmann::json()),
                  .encode = entry.at("encode")};
    if (vector.malformed() && entry.at("error") != "malformed") throw vector.name;
    vectors.push_back(std::move(vector));
  }
  return vectors;
}

}  // namespace solec

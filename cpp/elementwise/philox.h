// Philox4x32-10, the counter-based random number generator of Salmon, Moraes, Dror and Shaw, "Parallel random numbers:
// as easy as 1, 2, 3" (2011). Any part of the stream can be computed on its own, so that it is the same for any number
// of threads and on every device.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mt {
namespace {

constexpr int philox_blocks = 16;                // computed together, to fill vectors
constexpr int philox_words = 4 * philox_blocks;  // and so many words they give

// words[4*b ... 4*b + 3] = the words of block number `block + b`, 0 <= b < philox_blocks.
inline void philox_group(std::uint64_t seed, std::uint64_t block, std::uint32_t* words) {
    // 32-bit words in 64-bit lanes, where their products fit. A vector of GCC and Clang, of any length.
    typedef std::uint64_t Lanes __attribute__((vector_size(philox_blocks * sizeof(std::uint64_t))));
    constexpr std::uint64_t low_word = 0xFFFFFFFF;
    Lanes x0, x1, x2 = {}, x3 = {};
    for (int b = 0; b < philox_blocks; ++b) {
        x0[b] = (block + b) & low_word;
        x1[b] = (block + b) >> 32;
    }
    std::uint32_t key0 = static_cast<std::uint32_t>(seed), key1 = static_cast<std::uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round) {
        const Lanes product0 = x0 * std::uint64_t{0xD2511F53}, product1 = x2 * std::uint64_t{0xCD9E8D57};
        x0 = (product1 >> 32) ^ x1 ^ std::uint64_t{key0};
        x1 = product1 & low_word;
        x2 = (product0 >> 32) ^ x3 ^ std::uint64_t{key1};
        x3 = product0 & low_word;
        key0 += 0x9E3779B9;
        key1 += 0xBB67AE85;
    }
    for (int b = 0; b < philox_blocks; ++b) {
        words[4 * b] = static_cast<std::uint32_t>(x0[b]);
        words[4 * b + 1] = static_cast<std::uint32_t>(x1[b]);
        words[4 * b + 2] = static_cast<std::uint32_t>(x2[b]);
        words[4 * b + 3] = static_cast<std::uint32_t>(x3[b]);
    }
}

}  // namespace
}  // namespace mt

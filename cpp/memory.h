// Memory for arrays and workspaces: a caching allocator.
//
// A training step allocates the same sizes again and again. Memory fresh from the system costs a page fault every
// 4 KB, which for large arrays takes longer than computing them. So blocks are kept when they are given back and
// handed out again to the next request of their size class. They go back to the system only by empty_cache, or when
// the system has no more memory.
#pragma once

#include <cstddef>

namespace mt {

void* allocate(std::size_t bytes);  // 64-byte aligned; throws std::bad_alloc
void deallocate(void* block);       // a block from allocate, or null

void empty_cache();              // returns every unused block to the system
std::size_t memory_allocated();  // bytes in use
std::size_t memory_reserved();   // bytes in use or kept for use

// A workspace for the length of one call. Make it before a parallel loop, not inside: allocation may throw.
class Scratch {
  public:
    explicit Scratch(std::size_t bytes);
    ~Scratch();
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    void* data() const;

  private:
    void* block_;
};

}  // namespace mt

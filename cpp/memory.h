// Memory for arrays and workspaces, 64-byte aligned.
#pragma once

#include <cstddef>

namespace mt {

void* allocate(std::size_t bytes);  // throws std::bad_alloc
void deallocate(void* block);       // a block from allocate, or null

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

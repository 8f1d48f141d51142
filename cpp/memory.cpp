#include "memory.h"

#include <new>

namespace mt {

void* allocate(std::size_t bytes) { return ::operator new(bytes, std::align_val_t{64}); }

void deallocate(void* block) { ::operator delete(block, std::align_val_t{64}); }

Scratch::Scratch(std::size_t bytes) : block_(allocate(bytes)) {}
Scratch::~Scratch() { deallocate(block_); }
void* Scratch::data() const { return block_; }

}  // namespace mt

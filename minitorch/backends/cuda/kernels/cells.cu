// Numbers for the kernels of a captured graph, which have the same arguments at every launch: what changes from one to
// the next, they read from cells of device memory.
//
// The numbers come as an argument, and not by a copy from the host: an argument is taken when the kernel is launched,
// so the host may change its own numbers at once, and the launch waits in the stream until the graph before has read
// the cells.

//! instances: write_cells

struct Cells {
    u64 words[64];
};

// Of one block of 64 threads.
__global__ void write_cells(Cells cells, u64* __restrict__ to) { to[threadIdx.x] = cells.words[threadIdx.x]; }

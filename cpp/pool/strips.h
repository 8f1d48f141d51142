// How the pooling kernels walk over their images: in strips of rows that stay in the first-level cache while they are
// unpacked, computed and packed. The strips depend on the shapes alone and each element is computed in one of them.
#pragma once

#include "memory.h"
#include "parallel.h"
#include "pool/phases.h"

namespace mt {
namespace {

// Images whose windows end before the next image does are laid end to end: one tall image fills its strips better than
// many small ones.
inline PoolGeometry end_to_end(PoolGeometry g) {
    PoolAxis& h = g.h;
    const bool apart = h.padding == 0 && h.dilation * (h.kernel - 1) < h.stride && h.input == h.output * h.stride;
    if (!apart || g.planes == 0) return g;
    h.input *= g.planes;
    h.output *= g.planes;
    g.planes = 1;
    return g;
}

constexpr std::ptrdiff_t strip_bytes = 24 * 1024;

// Rows in a strip: as many as fit, where `reach` rows more than those are kept.
inline std::ptrdiff_t rows_in_strip(std::ptrdiff_t row_bytes, std::ptrdiff_t reach, std::ptrdiff_t rows) {
    return smaller(larger(strip_bytes / row_bytes - reach, 1), rows);
}

// Calls body(image, first row, rows, workspace) for every strip, with a workspace for `elements` numbers.
template <class T, class Body>
void for_each_strip(std::ptrdiff_t images, std::ptrdiff_t rows, std::ptrdiff_t rows_in_strip, double work,
                    std::ptrdiff_t elements, const Body& body) {
    const std::ptrdiff_t strips = ceil_div(rows, rows_in_strip), n = images * strips;
    const std::ptrdiff_t workers = larger(smaller(num_threads(), n), 1);
    const Scratch scratch(workers * elements * sizeof(T));
    parallel_for(workers, work * n / workers, [&](std::ptrdiff_t first_worker, std::ptrdiff_t last_worker) {
        T* workspace = static_cast<T*>(scratch.data()) + first_worker * elements;
        for (std::ptrdiff_t i = n * first_worker / workers; i < n * last_worker / workers; ++i) {
            const std::ptrdiff_t first = i % strips * rows_in_strip;
            body(i / strips, first, smaller(rows_in_strip, rows - first), workspace);
        }
    });
}

}  // namespace
}  // namespace mt

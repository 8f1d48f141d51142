#include "gemm/gemm.h"

#include "gemm/blocked.h"
#include "gemm/dot.h"
#include "memory.h"
#include "parallel.h"

namespace mt {
namespace {

// What remains of a GemmShape once it is known that there is something to compute.
template <class T>
struct Batch {
    int dims;
    const std::ptrdiff_t *sizes, *a_strides, *b_strides;
    std::ptrdiff_t count;

    // `p` with its operands moved to the matrices of one index into the batch.
    Product<T> at(Product<T> p, std::ptrdiff_t index) const {
        for (int d = dims - 1; d >= 0; --d) {
            const std::ptrdiff_t i = index % sizes[d];
            index /= sizes[d];
            p.a.data += i * a_strides[d];
            p.b.data += i * b_strides[d];
        }
        return p;
    }
};

// Where C has few tiles, k is split into parts, each with its own sum, so that threads have something to share. The
// number of parts depends on the shape only, so that the bits of the result don't depend on the threads.
template <class T>
std::ptrdiff_t k_parts(const Product<T>& p, std::ptrdiff_t batch) {
    constexpr std::ptrdiff_t enough_tiles = 16, shortest_part = 2048;
    const std::ptrdiff_t tiles = batch * ceil_div(p.m, TileSize<T>::rows) * ceil_div(p.n, TileSize<T>::columns);
    const std::ptrdiff_t wanted = enough_tiles / tiles, possible = p.k / shortest_part;
    const std::ptrdiff_t parts = smaller(wanted, possible);
    return parts > 1 ? ceil_div(p.k, ceil_div(p.k, parts)) : 1;
}

// How C is cut for the threads, at the borders of panels: this changes no bit.
struct Grid {
    std::ptrdiff_t row_panels, column_panels;  // of C
    std::ptrdiff_t rows, columns;              // of the grid
};

template <class T>
Grid choose_grid(const Product<T>& p, int threads) {
    if (suits_dot(p)) return {1, ceil_div(p.n, dot_columns), 1, threads};
    Grid best{ceil_div(p.m, panel_rows<T>(p.m)), ceil_div(p.n, TileSize<T>::columns), 1, 1};
    double best_cost = 0;
    for (int rows = 1; rows <= threads; ++rows) {
        if (threads % rows) continue;
        const std::ptrdiff_t columns = threads / rows;
        // The tiles of the busiest thread; packing a panel of B costs about as much as computing one tile.
        const double cost = ceil_div(best.column_panels, columns) * (ceil_div(best.row_panels, rows) + 1.0);
        if (rows == 1 || cost < best_cost) {
            best_cost = cost;
            best.rows = rows;
            best.columns = columns;
        }
    }
    return best;
}

// The part of `panels` panels of `step` elements that belongs to one of `parts`.
Range part_of(std::ptrdiff_t panels, std::ptrdiff_t step, std::ptrdiff_t size, std::ptrdiff_t part,
              std::ptrdiff_t parts) {
    const std::ptrdiff_t begin = panels * part / parts * step, end = panels * (part + 1) / parts * step;
    return {smaller(begin, size), smaller(end, size)};
}

template <class T>
void compute_part(const Product<T>& p, const Grid& grid, std::ptrdiff_t part, T* workspace) {
    if (suits_dot(p)) {
        multiply_dots(p, part_of(grid.column_panels, dot_columns, p.n, part, grid.columns));
        return;
    }
    const Range rows = part_of(grid.row_panels, panel_rows<T>(p.m), p.m, part % grid.rows, grid.rows);
    const Range columns = part_of(grid.column_panels, TileSize<T>::columns, p.n, part / grid.rows, grid.columns);
    if (rows.size() > 0) multiply_block(p, rows, columns, workspace);
}

// Computes every product of the batch, k in `parts` parts: products[batch][parts][m][n].
template <class T>
void multiply(const Product<T>& p, const Batch<T>& batch, std::ptrdiff_t parts, T* products) {
    const std::ptrdiff_t k_step = ceil_div(p.k, parts), sums = batch.count * parts;
    const double work = static_cast<double>(batch.count) * p.m * p.n * p.k / 8;
    const int threads = threads_for(work);
    const Grid grid = choose_grid(p, sums >= 4 * threads ? 1 : threads);
    const std::ptrdiff_t pieces = grid.rows * grid.columns, tasks = sums * pieces;
    const std::size_t workspace = workspace_size(p);
    const Scratch scratch(threads * workspace * sizeof(T));

    parallel_for(threads, work / threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t slot = begin; slot < end; ++slot) {
            for (std::ptrdiff_t task = tasks * slot / threads; task < tasks * (slot + 1) / threads; ++task) {
                const std::ptrdiff_t sum = task / pieces, k0 = sum % parts * k_step;
                Product<T> q = batch.at(p, sum / parts);
                q.a = q.a.at(0, k0);
                q.b = q.b.at(0, k0);
                q.k = smaller(k_step, p.k - k0);
                q.c = products + sum * p.m * p.n;
                compute_part(q, grid, task % pieces, static_cast<T*>(scratch.data()) + slot * workspace);
            }
        }
    });
}

// c[batch][m][n] = activation(sum of products[batch][part][m][n] over the parts, in order, + bias).
template <class T>
void finish(const T* products, std::ptrdiff_t batch, std::ptrdiff_t parts, std::ptrdiff_t m, std::ptrdiff_t n,
            const T* bias, bool relu, T* c) {
    parallel_for(batch * m, static_cast<double>(n * parts), [=](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t row = begin; row < end; ++row) {
            const T* first = products + (row / m * parts * m + row % m) * n;
            for (std::ptrdiff_t j = 0; j < n; ++j) {
                T x = first[j];
                for (std::ptrdiff_t part = 1; part < parts; ++part) x += first[part * m * n + j];
                if (bias) x += bias[j];
                c[row * n + j] = relu && x < 0 ? T{0} : x;
            }
        }
    });
}

template <class T>
void gemm(const GemmShape& shape, const GemmOperand<T>& a, const GemmOperand<T>& b, const T* bias, bool relu, T* c) {
    Product<T> p{shape.m,
                 shape.n,
                 shape.k,
                 {a.data, a.row_stride, a.column_stride},
                 {b.data, b.column_stride, b.row_stride},
                 nullptr,
                 shape.n,
                 nullptr,
                 false};
    Batch<T> batch{shape.batch_dims, shape.batch, a.batch_strides, b.batch_strides, 1};
    // Matrices that share B and follow one another in A are one tall matrix.
    while (batch.dims > 0 && batch.b_strides[batch.dims - 1] == 0 &&
           batch.a_strides[batch.dims - 1] == p.m * p.a.lane_stride) {
        p.m *= batch.sizes[--batch.dims];
    }
    for (int d = 0; d < batch.dims; ++d) batch.count *= batch.sizes[d];
    if (batch.count == 0 || p.m == 0 || p.n == 0) return;

    const std::ptrdiff_t m = p.m, n = p.n;
    const bool column = n == 1;  // computed as a row, where the vectors are full: Cᵀ = Bᵀ·Aᵀ
    if (column) {
        const Strided<T> rows = p.a;
        p.a = p.b;
        p.b = rows;
        p.m = 1;
        p.n = p.c_stride = m;
        const std::ptrdiff_t* strides = batch.a_strides;
        batch.a_strides = batch.b_strides;
        batch.b_strides = strides;
    }
    const std::ptrdiff_t parts = k_parts(p, batch.count);
    if (parts == 1 && !column) {
        p.bias = bias;
        p.relu = relu;
        multiply(p, batch, 1, c);
    } else if (parts == 1) {
        multiply(p, batch, 1, c);
        if (bias || relu) finish(c, batch.count, 1, m, n, bias, relu, c);
    } else {
        const Scratch products(batch.count * parts * m * n * sizeof(T));
        multiply(p, batch, parts, static_cast<T*>(products.data()));
        finish(static_cast<const T*>(products.data()), batch.count, parts, m, n, bias, relu, c);
    }
}

}  // namespace

const GemmTable MT_TABLE(gemm) = {{gemm<float>}, {gemm<double>}};

}  // namespace mt

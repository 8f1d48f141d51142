// The matrices of Winograd's convolution (Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks", 2016),
// derived from the points at which its polynomials are evaluated (Toom & Cook).
//
// For M outputs y_i = Σ_k g_k d_{i+k} of K taps g, a tile d of size M + K - 1 is needed. Take any numbers u_0 …
// u_{M-1}, as coefficients of a polynomial u(x), and let g(x) = Σ_k g_k x^k. Then
//
//   Σ_i u_i y_i = Σ_p s_p d_p,    where s(x) = u(x) g(x), with M + K - 1 coefficients s_p.
//
// A polynomial with so many coefficients is known by its values at M + K - 2 points a_j and its highest coefficient,
// its "value at infinity". Lagrange's interpolation writes it as
//
//   s(x) = Σ_j u(a_j) g(a_j) / N_j · Π_{l≠j} (x - a_l)  +  u_{M-1} g_{K-1} · Π_l (x - a_l)
//
// with N_j = Π_{l≠j} (a_j - a_l). Put into the sum above, with the coefficients of the products as the rows of a matrix
// D, and read for each u_i:
//
//   y_i = Σ_j a_j^i · (g(a_j) / N_j) · (D d)_j  +  [i = M-1] · g_{K-1} · (D d)_∞       or    y = A [(G g) ⊙ (D d)]
//
// So M·K multiplications become M + K - 1; in two dimensions, where each matrix is applied to rows and columns, the
// square of that. With seven for a tile, 3×3 kernels give 5×5 outputs with 49 products instead of 225, and 5×5 kernels
// 3×3 outputs, equally. u and g play the same part: the gradient of K×K taps is the correlation of D d with M×M
// "taps", which are the gradients of the outputs.
//
// Rounding errors grow with the powers of the points and with what they are divided by. The points below were found by
// trying simple fractions; only the N_j are not exact in binary. The error of a result is about 4e-6 of the results'
// root mean square, instead of 5e-7 for the sum itself. With tiles of nine it would be 1e-3.
#pragma once

namespace mt {
namespace {

constexpr int winograd_size = 7;  // of a tile: the points and infinity
constexpr double winograd_points[winograd_size - 1] = {0, 1, 2, 0.5, -1.5, -0.75};

template <int Rows, int Columns>
struct Matrix {
    static constexpr int rows = Rows, columns = Columns;
    double at[Rows][Columns] = {};
};

// D: row j has the coefficients of Π_{l≠j} (x - a_l), from x^0 on; the last row those of the product of all.
constexpr Matrix<winograd_size, winograd_size> tile_matrix() {
    Matrix<winograd_size, winograd_size> matrix;
    for (int j = 0; j < winograd_size; ++j) {
        double* row = matrix.at[j];
        row[0] = 1;
        for (int l = 0; l < winograd_size - 1; ++l) {
            if (l == j) continue;
            for (int p = winograd_size - 1; p >= 0; --p) {
                row[p] = (p > 0 ? row[p - 1] : 0) - winograd_points[l] * row[p];
            }
        }
    }
    return matrix;
}

// A polynomial's values at the points, from its coefficients; the last row is its value at infinity.
template <int Coefficients>
constexpr Matrix<winograd_size, Coefficients> value_matrix() {
    Matrix<winograd_size, Coefficients> matrix;
    for (int j = 0; j < winograd_size - 1; ++j) {
        double power = 1;
        for (int k = 0; k < Coefficients; ++k, power *= winograd_points[j]) matrix.at[j][k] = power;
    }
    matrix.at[winograd_size - 1][Coefficients - 1] = 1;
    return matrix;
}

// G: the values, divided by N_j.
template <int Taps>
constexpr Matrix<winograd_size, Taps> tap_matrix() {
    Matrix<winograd_size, Taps> matrix = value_matrix<Taps>();
    for (int j = 0; j < winograd_size - 1; ++j) {
        double divisor = 1;
        for (int l = 0; l < winograd_size - 1; ++l) {
            if (l != j) divisor *= winograd_points[j] - winograd_points[l];
        }
        for (int k = 0; k < Taps; ++k) matrix.at[j][k] /= divisor;
    }
    return matrix;
}

// A: the values, transposed.
template <int Outputs>
constexpr Matrix<Outputs, winograd_size> output_matrix() {
    const Matrix<winograd_size, Outputs> values = value_matrix<Outputs>();
    Matrix<Outputs, winograd_size> matrix;
    for (int i = 0; i < Outputs; ++i) {
        for (int j = 0; j < winograd_size; ++j) matrix.at[i][j] = values.at[j][i];
    }
    return matrix;
}

// As types, so that the matrices are constants where they are applied.
struct TileTransform {
    static constexpr auto matrix = tile_matrix();
};
template <int Taps>
struct TapTransform {
    static constexpr auto matrix = tap_matrix<Taps>();
};
template <int Outputs>
struct OutputTransform {
    static constexpr auto matrix = output_matrix<Outputs>();
};

}  // namespace
}  // namespace mt

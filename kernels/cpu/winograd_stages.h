// What the passes of winograd.h consist of. Transformed values of tile i of a group, channel c and frequency
// f are at f * pitch + i * channels + c.
#pragma once

#include <metron/kernels/cpu/winograd.h>

namespace metron::METRON_ISA::winograd {

// The panels of transformed filters: (panels, frequencies, channels, panel), zero-padded.
Index transformed_size(Index channels, Index columns);
void transform_filters(const Filters& filters, Index channels, Index columns, float* to);

// The inputs of `count` tiles from `first` on. `edge` has room for a tile.
void transform_inputs(const Tiling& tiling, const float* images, Index first, Index count, float* to,
                      Index pitch, float* edge);
// The gradients of their outputs, and unless null their sums per column in `bias`.
void transform_gradients(const Tiling& tiling, const float* gradients, Index first, Index count, float* to,
                         Index pitch, float* edge, float* bias);

// One panel of products per frequency: (count, channels) x (channels, panel). `from` and `products` have room
// for whole register tiles of rows.
void multiply_panel(Index channels, Index count, const float* from, Index pitch, const float* filters,
                    float* products, Index product_pitch);

// Tiles in a group: whole register tiles, whose transformed values stay in L2.
Index tiles_of_group(Index channels, Index tiles_per_thread);

}  // namespace metron::METRON_ISA::winograd

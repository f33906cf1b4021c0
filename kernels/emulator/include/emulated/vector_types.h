// CUDA's vector types: aggregates with the device's alignment, so that a copy is a single access.
#pragma once

namespace metron::emulator {

constexpr unsigned vector_alignment(unsigned bytes) { return bytes < 16 ? bytes : 16; }

template <class T>
struct Vector1 {
  T x;
};
template <class T>
struct alignas(vector_alignment(2 * sizeof(T))) Vector2 {
  T x, y;
};
template <class T>
struct Vector3 {  // aligned as its elements
  T x, y, z;
};
template <class T>
struct alignas(vector_alignment(4 * sizeof(T))) Vector4 {
  T x, y, z, w;
};

template <class T>
inline constexpr auto make1 = [](T x) { return Vector1<T>{x}; };
template <class T>
inline constexpr auto make2 = [](T x, T y) {
  return Vector2<T>{x, y};
};
template <class T>
inline constexpr auto make3 = [](T x, T y, T z) {
  return Vector3<T>{x, y, z};
};
template <class T>
inline constexpr auto make4 = [](T x, T y, T z, T w) {
  return Vector4<T>{x, y, z, w};
};

}  // namespace metron::emulator

// char2, make_char2 and so on.
#define METRON_EMULATOR_VECTORS(name, T)                             \
  using name##1 = metron::emulator::Vector1<T>;                      \
  using name##2 = metron::emulator::Vector2<T>;                      \
  using name##3 = metron::emulator::Vector3<T>;                      \
  using name##4 = metron::emulator::Vector4<T>;                      \
  inline constexpr auto make_##name##1 = metron::emulator::make1<T>; \
  inline constexpr auto make_##name##2 = metron::emulator::make2<T>; \
  inline constexpr auto make_##name##3 = metron::emulator::make3<T>; \
  inline constexpr auto make_##name##4 = metron::emulator::make4<T>;
METRON_EMULATOR_VECTORS(char, signed char)
METRON_EMULATOR_VECTORS(uchar, unsigned char)
METRON_EMULATOR_VECTORS(short, short)
METRON_EMULATOR_VECTORS(ushort, unsigned short)
METRON_EMULATOR_VECTORS(int, int)
METRON_EMULATOR_VECTORS(uint, unsigned)
METRON_EMULATOR_VECTORS(long, long)
METRON_EMULATOR_VECTORS(ulong, unsigned long)
METRON_EMULATOR_VECTORS(longlong, long long)
METRON_EMULATOR_VECTORS(ulonglong, unsigned long long)
METRON_EMULATOR_VECTORS(float, float)
METRON_EMULATOR_VECTORS(double, double)
#undef METRON_EMULATOR_VECTORS

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
  constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
  constexpr operator uint3() const { return {x, y, z}; }
};

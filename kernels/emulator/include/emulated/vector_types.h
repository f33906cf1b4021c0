// CUDA's short vectors: plain aggregates with the device's alignment, so that a copy of one is one access.
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
struct Vector3 {  // as aligned as its elements
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

using char1 = metron::emulator::Vector1<signed char>;
using char2 = metron::emulator::Vector2<signed char>;
using char3 = metron::emulator::Vector3<signed char>;
using char4 = metron::emulator::Vector4<signed char>;
using uchar1 = metron::emulator::Vector1<unsigned char>;
using uchar2 = metron::emulator::Vector2<unsigned char>;
using uchar3 = metron::emulator::Vector3<unsigned char>;
using uchar4 = metron::emulator::Vector4<unsigned char>;
using short1 = metron::emulator::Vector1<short>;
using short2 = metron::emulator::Vector2<short>;
using short3 = metron::emulator::Vector3<short>;
using short4 = metron::emulator::Vector4<short>;
using ushort1 = metron::emulator::Vector1<unsigned short>;
using ushort2 = metron::emulator::Vector2<unsigned short>;
using ushort3 = metron::emulator::Vector3<unsigned short>;
using ushort4 = metron::emulator::Vector4<unsigned short>;
using int1 = metron::emulator::Vector1<int>;
using int2 = metron::emulator::Vector2<int>;
using int3 = metron::emulator::Vector3<int>;
using int4 = metron::emulator::Vector4<int>;
using uint1 = metron::emulator::Vector1<unsigned>;
using uint2 = metron::emulator::Vector2<unsigned>;
using uint3 = metron::emulator::Vector3<unsigned>;
using uint4 = metron::emulator::Vector4<unsigned>;
using long1 = metron::emulator::Vector1<long>;
using long2 = metron::emulator::Vector2<long>;
using long3 = metron::emulator::Vector3<long>;
using long4 = metron::emulator::Vector4<long>;
using ulong1 = metron::emulator::Vector1<unsigned long>;
using ulong2 = metron::emulator::Vector2<unsigned long>;
using ulong3 = metron::emulator::Vector3<unsigned long>;
using ulong4 = metron::emulator::Vector4<unsigned long>;
using longlong1 = metron::emulator::Vector1<long long>;
using longlong2 = metron::emulator::Vector2<long long>;
using longlong3 = metron::emulator::Vector3<long long>;
using longlong4 = metron::emulator::Vector4<long long>;
using ulonglong1 = metron::emulator::Vector1<unsigned long long>;
using ulonglong2 = metron::emulator::Vector2<unsigned long long>;
using ulonglong3 = metron::emulator::Vector3<unsigned long long>;
using ulonglong4 = metron::emulator::Vector4<unsigned long long>;
using float1 = metron::emulator::Vector1<float>;
using float2 = metron::emulator::Vector2<float>;
using float3 = metron::emulator::Vector3<float>;
using float4 = metron::emulator::Vector4<float>;
using double1 = metron::emulator::Vector1<double>;
using double2 = metron::emulator::Vector2<double>;
using double3 = metron::emulator::Vector3<double>;
using double4 = metron::emulator::Vector4<double>;

inline constexpr auto make_char1 = metron::emulator::make1<signed char>;
inline constexpr auto make_char2 = metron::emulator::make2<signed char>;
inline constexpr auto make_char3 = metron::emulator::make3<signed char>;
inline constexpr auto make_char4 = metron::emulator::make4<signed char>;
inline constexpr auto make_uchar1 = metron::emulator::make1<unsigned char>;
inline constexpr auto make_uchar2 = metron::emulator::make2<unsigned char>;
inline constexpr auto make_uchar3 = metron::emulator::make3<unsigned char>;
inline constexpr auto make_uchar4 = metron::emulator::make4<unsigned char>;
inline constexpr auto make_short1 = metron::emulator::make1<short>;
inline constexpr auto make_short2 = metron::emulator::make2<short>;
inline constexpr auto make_short3 = metron::emulator::make3<short>;
inline constexpr auto make_short4 = metron::emulator::make4<short>;
inline constexpr auto make_ushort1 = metron::emulator::make1<unsigned short>;
inline constexpr auto make_ushort2 = metron::emulator::make2<unsigned short>;
inline constexpr auto make_ushort3 = metron::emulator::make3<unsigned short>;
inline constexpr auto make_ushort4 = metron::emulator::make4<unsigned short>;
inline constexpr auto make_int1 = metron::emulator::make1<int>;
inline constexpr auto make_int2 = metron::emulator::make2<int>;
inline constexpr auto make_int3 = metron::emulator::make3<int>;
inline constexpr auto make_int4 = metron::emulator::make4<int>;
inline constexpr auto make_uint1 = metron::emulator::make1<unsigned>;
inline constexpr auto make_uint2 = metron::emulator::make2<unsigned>;
inline constexpr auto make_uint3 = metron::emulator::make3<unsigned>;
inline constexpr auto make_uint4 = metron::emulator::make4<unsigned>;
inline constexpr auto make_long1 = metron::emulator::make1<long>;
inline constexpr auto make_long2 = metron::emulator::make2<long>;
inline constexpr auto make_long3 = metron::emulator::make3<long>;
inline constexpr auto make_long4 = metron::emulator::make4<long>;
inline constexpr auto make_ulong1 = metron::emulator::make1<unsigned long>;
inline constexpr auto make_ulong2 = metron::emulator::make2<unsigned long>;
inline constexpr auto make_ulong3 = metron::emulator::make3<unsigned long>;
inline constexpr auto make_ulong4 = metron::emulator::make4<unsigned long>;
inline constexpr auto make_longlong1 = metron::emulator::make1<long long>;
inline constexpr auto make_longlong2 = metron::emulator::make2<long long>;
inline constexpr auto make_longlong3 = metron::emulator::make3<long long>;
inline constexpr auto make_longlong4 = metron::emulator::make4<long long>;
inline constexpr auto make_ulonglong1 = metron::emulator::make1<unsigned long long>;
inline constexpr auto make_ulonglong2 = metron::emulator::make2<unsigned long long>;
inline constexpr auto make_ulonglong3 = metron::emulator::make3<unsigned long long>;
inline constexpr auto make_ulonglong4 = metron::emulator::make4<unsigned long long>;
inline constexpr auto make_float1 = metron::emulator::make1<float>;
inline constexpr auto make_float2 = metron::emulator::make2<float>;
inline constexpr auto make_float3 = metron::emulator::make3<float>;
inline constexpr auto make_float4 = metron::emulator::make4<float>;
inline constexpr auto make_double1 = metron::emulator::make1<double>;
inline constexpr auto make_double2 = metron::emulator::make2<double>;
inline constexpr auto make_double3 = metron::emulator::make3<double>;
inline constexpr auto make_double4 = metron::emulator::make4<double>;

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
  constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
  constexpr operator uint3() const { return {x, y, z}; }
};

// Macros of other people's headers that a program may include before Metron's. Each replaces its name by what
// can't be parsed. Those that the standard library itself does not survive are left out.
#include <algorithm>
#include <any>
#include <atomic>
#include <chrono>
#include <complex>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <regex>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

#define METRON_BROKEN = = a macro of another library =

// Qt, which defines them as nothing
#define slots
#define signals
#define emit
#define foreach METRON_BROKEN
#define forever METRON_BROKEN
// AssertMacros.h of macOS, test and logging frameworks
#define check(x) METRON_BROKEN
#define verify(x) METRON_BROKEN
#define require(x, y) METRON_BROKEN
#define fail(x) METRON_BROKEN
#define CHECK(x) METRON_BROKEN
#define CHECK_EQ(x, y) METRON_BROKEN
#define DCHECK(x) METRON_BROKEN
#define REQUIRE(x) METRON_BROKEN
#define SECTION(x) METRON_BROKEN
#define TEST_CASE(x) METRON_BROKEN
#define LOG(x) METRON_BROKEN
#define VLOG(x) METRON_BROKEN
#define INFO METRON_BROKEN
#define WARN METRON_BROKEN
#define WARNING METRON_BROKEN
#define ERROR METRON_BROKEN
#define FATAL METRON_BROKEN
#define DEBUG METRON_BROKEN
// X11
#define None METRON_BROKEN
#define Bool METRON_BROKEN
#define Status METRON_BROKEN
#define Success METRON_BROKEN
#define True METRON_BROKEN
#define False METRON_BROKEN
#define Always METRON_BROKEN
#define Above METRON_BROKEN
#define Below METRON_BROKEN
#define Complex METRON_BROKEN
#define Convex METRON_BROKEN
#define Unsorted METRON_BROKEN
#define KeyPress METRON_BROKEN
#define FocusIn METRON_BROKEN
#define FocusOut METRON_BROKEN
#define CurrentTime METRON_BROKEN
#define DestroyAll METRON_BROKEN
#define GrayScale METRON_BROKEN
// Windows
#define min(a, b) METRON_BROKEN
#define max(a, b) METRON_BROKEN
#define near
#define far
#define small char
#define hyper METRON_BROKEN
#define interface struct
#define IN
#define OUT
#define OPTIONAL
#define CONST const
#define VOID void
#define TRUE 1
#define FALSE 0
#define DELETE METRON_BROKEN
#define STRICT METRON_BROKEN
#define NO_ERROR METRON_BROKEN
#define ABSOLUTE METRON_BROKEN
#define RELATIVE METRON_BROKEN
#define OPAQUE METRON_BROKEN
#define TRANSPARENT METRON_BROKEN
#define GetObject METRON_BROKEN
#define GetMessage METRON_BROKEN
#define CreateFile METRON_BROKEN
#define LoadImage METRON_BROKEN
#define Yield METRON_BROKEN
// The C library, complex.h, termios.h, sys/sysmacros.h
#define I METRON_BROKEN
#define B0 METRON_BROKEN
#define B50 METRON_BROKEN
#define ECHO METRON_BROKEN
#define DOMAIN METRON_BROKEN
#define OVERFLOW METRON_BROKEN
#define major(x) METRON_BROKEN
#define minor(x) METRON_BROKEN
#define unix 1
#define linux 1
#define timeout(x) METRON_BROKEN
// Arduino, and programs of their own
#define F(x) METRON_BROKEN
#define PI METRON_BROKEN
#define EPSILON METRON_BROKEN
#define likely(x) METRON_BROKEN
#define unlikely(x) METRON_BROKEN
#define round(x) METRON_BROKEN
#define assert_shape(x) METRON_BROKEN

// All layers.
#pragma once

#include <metron/layers/activation.h>
#include <metron/layers/conv.h>
#include <metron/layers/dropout.h>
#include <metron/layers/embedding.h>
#include <metron/layers/flatten.h>
#include <metron/layers/linear.h>
#include <metron/layers/module.h>
#include <metron/layers/norm.h>
#include <metron/layers/pool.h>
#include <metron/layers/sequential.h>

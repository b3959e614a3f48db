/* The implementation and nothing else, as C++. */
#define TENSORGRAD_IMPLEMENTATION
#include "tensorgrad.h"

/* The implementation and nothing else. */
#define TENSORGRAD_IMPLEMENTATION
#include "tensorgrad.h"

/* cartpole.h - the game that two examples learn: a pole on a cart, as in Gym's CartPole-v1. */

#ifndef CARTPOLE_H
#define CARTPOLE_H

#include "draw.h"

enum { STATE = 4, PUSHES = 2, LONGEST = 500 };

typedef struct game { float s[STATE]; int steps; } game;      /* place and speed of the cart, angle and speed of the pole */

DRAW_API void game_begin(game *g, uint64_t *dice) {
    for (int i = 0; i < STATE; i++) g->s[i] = roll(dice, -0.05f, 0.05f);
    g->steps = 0;
}

/* One fiftieth of a second. Returns whether the pole has fallen, or the cart left the track. */
DRAW_API bool game_push(game *g, int push) {
    const float gravity = 9.8f, pole = 0.1f, both = 1.1f, half = 0.5f, time = 0.02f;
    float sine = sinf(g->s[2]), cosine = cosf(g->s[2]);
    float pressure = ((push ? 10.0f : -10.0f) + pole * half * g->s[3] * g->s[3] * sine) / both;
    float turn = (gravity * sine - cosine * pressure) / (half * (4.0f / 3 - pole * cosine * cosine / both));
    float speedup = pressure - pole * half * turn * cosine / both;
    g->s[0] += time * g->s[1];
    g->s[1] += time * speedup;
    g->s[2] += time * g->s[3];
    g->s[3] += time * turn;
    g->steps++;
    return fabsf(g->s[0]) > 2.4f || fabsf(g->s[2]) > 0.2095f;
}

#endif

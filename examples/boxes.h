/* boxes.h - what the two examples of detection share: scenes of shapes with their boxes, how good found boxes are, and how
   to draw them. */

#ifndef BOXES_H
#define BOXES_H

#include "draw.h"

enum { SIDE = 64, PIXELS = SIDE * SIDE, KINDS = 4, MOST = 4, TESTS = 256, SHOWN = 24 };

typedef struct thing { float box[4]; int kind; } thing;                /* x1, y1, x2, y2 in pixels */
typedef struct scene { thing things[MOST]; int count; } scene;
typedef struct found { thing t; float score; int scene; bool right; } found;

/* ---- The pictures: one to four shapes that do not overlap much. ---- */

DRAW_API float overlap(const float *a, const float *b) {                 /* common area over the area of both */
    float w = fminf(a[2], b[2]) - fmaxf(a[0], b[0]), h = fminf(a[3], b[3]) - fmaxf(a[1], b[1]);
    float common = w > 0 && h > 0 ? w * h : 0;
    return common / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common);
}

DRAW_API void draw_scene(float *picture, scene *s, float largest, uint64_t *dice) {
    static const int kinds[KINDS] = { DISC, SQUARE, TRIANGLE, CROSS };
    float ground[3], ink[3];
    for (int k = 0; k < 3; k++) ground[k] = roll(dice, 0, 0.4f);
    for (int p = 0; p < 3 * PIXELS; p++) picture[p] = ground[p / PIXELS] + roll(dice, -0.05f, 0.05f);
    int want = 1 + roll_int(dice, MOST);
    s->count = 0;
    for (int tries = 0; tries < 20 && s->count < want; tries++) {
        float r = roll(dice, 5, largest);
        float x = roll(dice, r, SIDE - r);
        float y = roll(dice, r, SIDE - r);
        int kind = roll_int(dice, KINDS);
        float wide = kind == 1 ? 0.8f * r : kind == 2 ? 0.866f * r : r, up = kind == 1 ? 0.8f * r : r;
        float down = kind == 1 ? 0.8f * r : kind == 2 ? 0.5f * r : r;
        thing t = { { x - wide, y - up, x + wide, y + down }, kind };
        bool is_free = true;
        for (int i = 0; i < s->count; i++) if (overlap(t.box, s->things[i].box) > 0.02f) is_free = false;
        if (!is_free) continue;
        for (int k = 0; k < 3; k++) ink[k] = roll(dice, 0.5f, 1);
        draw_shape(picture, 3, SIDE, kinds[kind], x, y, r, 0, ink);
        s->things[s->count++] = t;
    }
}

/* ---- How good what was found is. ---- */

DRAW_API int surer_first(const void *a, const void *b) {
    const found *x = (const found *)a, *y = (const found *)b;
    return x->score < y->score ? 1 : x->score > y->score ? -1 : x->scene - y->scene;
}

/* The area under precision over recall of one kind: surest boxes first, each true thing is found once. */
DRAW_API double average_precision(found *list, int n, const scene *scenes, int kind) {
    static bool taken[TESTS][MOST];
    int all = 0, right = 0, said = 0;
    double area = 0;
    memset(taken, 0, sizeof taken);
    for (int i = 0; i < TESTS; i++) for (int k = 0; k < scenes[i].count; k++) all += scenes[i].things[k].kind == kind;
    for (int i = 0; i < n; i++) {
        found *f = &list[i];
        if (f->t.kind != kind) continue;
        for (int k = 0; k < scenes[f->scene].count && !f->right; k++) {
            const thing *t = &scenes[f->scene].things[k];
            if (t->kind != kind || taken[f->scene][k] || overlap(t->box, f->t.box) < 0.5f) continue;
            f->right = taken[f->scene][k] = true;
        }
        said++;
        right += f->right;
        if (f->right) area += (double)right / said / all;
    }
    return area;
}

/* Prints the average precision of each kind, and their mean. */
DRAW_API void print_precision(found *list, int n, const scene *scenes) {
    static const char *const names[KINDS] = { "disc", "square", "triangle", "cross" };
    double sum = 0;
    qsort(list, (size_t)n, sizeof *list, surer_first);
    for (int kind = 0; kind < KINDS; kind++) {
        double ap = average_precision(list, n, scenes, kind);
        printf("average precision for %s: %.3f\n", names[kind], ap);
        sum += ap;
    }
    printf("mAP@0.5 of %d unseen pictures: %.3f\n", TESTS, sum / KINDS);
}

DRAW_API void draw_box(float *picture, const thing *t) {
    for (int side = 0; side < 4; side++) for (int i = 0; i < SIDE; i++) {
        float at = t->box[side], low = t->box[1 - side % 2], high = t->box[3 - side % 2];
        int line = at < 0 ? 0 : at > SIDE - 1 ? SIDE - 1 : (int)at;
        if ((float)i + 0.5f < low || (float)i + 0.5f > high) continue;
        for (int k = 0; k < 3; k++) picture[k * PIXELS + (side % 2 ? line * SIDE + i : i * SIDE + line)] = 1;
    }
}

/* Finds in pictures never seen before, prints how well, and draws some with what was found. find writes the boxes of
   picture number i to its last operand and returns how many; list has room for all. */
typedef int (*finder)(tg_ctx *tg, tg_module *net, const float *picture, int i, found *list);
DRAW_API void test_detector(tg_ctx *tg, tg_module *net, finder find, found *list, float largest, const char *file) {
    static float sheet[SHOWN][3 * PIXELS], picture[3 * PIXELS];
    static scene scenes[TESTS];
    uint64_t dice = 1234567;
    int n = 0;
    tg_train(net, false);
    tg_grad_mode(tg, false);
    for (int i = 0; i < TESTS && !tg_failed(tg); i++) {
        draw_scene(picture, &scenes[i], largest, &dice);
        int news = find(tg, net, picture, i, list + n);
        if (i < SHOWN) {
            memcpy(sheet[i], picture, sizeof picture);
            for (int k = 0; k < news; k++) if (list[n + k].score > 0.3f) draw_box(sheet[i], &list[n + k].t);
        }
        n += news;
    }
    print_precision(list, n, scenes);
    save_sheet(file, sheet[0], SHOWN, 3, SIDE, 6, 2);
}

#endif

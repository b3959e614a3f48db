/* draw.h - what several examples share: dice that fall alike on every machine, shapes to learn from, and PNG files.
   Pictures are planes of numbers from 0 to 1, [C, H, W] with one channel (grey) or three (colours), as convolutions
   read them. */

#ifndef DRAW_H
#define DRAW_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__GNUC__)
#define DRAW_API static __attribute__((unused))
#else
#define DRAW_API static
#endif

/* A number from low to high; of a whole number below n roll_int. *dice is any number at first. */
DRAW_API float roll(uint64_t *dice, float low, float high) {
    *dice = *dice * 6364136223846793005u + 1442695040888963407u;
    return low + (high - low) * (float)(*dice >> 40) / 16777216.0f;
}

DRAW_API int roll_int(uint64_t *dice, int n) { return (int)roll(dice, 0, (float)n) % n; }

/* ---- Shapes. ---- */

enum { DISC, SQUARE, TRIANGLE, RING, CROSS, MOON, BAR, FRAME, SHAPES };
DRAW_API const char *const shape_names[SHAPES] = { "disc", "square", "triangle", "ring", "cross", "moon", "bar", "frame" };

/* How far (x, y) is outside of a shape of radius 1 around (0, 0); negative inside. */
DRAW_API float outside(int shape, float x, float y) {
    float length = sqrtf(x * x + y * y), across = fabsf(x), down = fabsf(y);
    switch (shape) {
    case DISC: return length - 1;
    case SQUARE: return fmaxf(across, down) - 0.8f;
    case TRIANGLE: return fmaxf(y, 0.866f * across - 0.5f * y) - 0.5f;
    case RING: return fabsf(length - 0.78f) - 0.22f;
    case CROSS: return fminf(fmaxf(across - 1, down - 0.28f), fmaxf(down - 1, across - 0.28f));
    case MOON: return fmaxf(length - 1, 0.8f - sqrtf((x - 0.5f) * (x - 0.5f) + y * y));
    case BAR: return fmaxf(across - 1, down - 0.32f);
    default: return fabsf(fmaxf(across, down) - 0.65f) - 0.2f;
    }
}

/* Draws a shape around (x, y), turned by an angle, over what is there; ink has a number for each channel. */
DRAW_API void draw_shape(float *picture, int channels, int side, int shape, float x, float y, float radius, float angle,
                         const float *ink) {
    float c = cosf(angle) / radius, s = sinf(angle) / radius;
    for (int row = 0; row < side; row++) {
        for (int column = 0; column < side; column++) {
            float dx = (float)column + 0.5f - x, dy = (float)row + 0.5f - y;
            float cover = 0.5f - radius * outside(shape, c * dx + s * dy, c * dy - s * dx);      /* soft at the edge */
            cover = cover < 0 ? 0 : cover > 1 ? 1 : cover;
            for (int k = 0; k < channels; k++) {
                float *pixel = &picture[(k * side + row) * side + column];
                *pixel += cover * (ink[k] - *pixel);
            }
        }
    }
}

/* A white shape near the middle of a black picture, from -1 to 1, as tanh makes them. */
DRAW_API void draw_white(float *picture, int side, uint64_t *dice) {
    static const int kinds[4] = { DISC, TRIANGLE, RING, CROSS };
    const float ink = 1, middle = (float)side / 2;
    float radius = roll(dice, middle / 2, middle - 1);
    float x = roll(dice, middle - 1, middle + 1);
    float y = roll(dice, middle - 1, middle + 1);
    for (int p = 0; p < side * side; p++) picture[p] = -1;
    draw_shape(picture, 1, side, kinds[roll_int(dice, 4)], x, y, radius, 0, &ink);
}

/* ---- PNG: stored, not compressed. ---- */

typedef struct png { FILE *file; uint32_t crc, a, b; } png;

DRAW_API void png_bytes(png *p, const void *bytes, size_t n) {
    const unsigned char *byte = (const unsigned char *)bytes;
    for (size_t i = 0; i < n; i++) {
        p->crc ^= byte[i];
        for (int k = 0; k < 8; k++) p->crc = p->crc >> 1 ^ (p->crc & 1 ? 0xedb88320u : 0);
    }
    fwrite(bytes, 1, n, p->file);
}

DRAW_API void png_u32(png *p, uint32_t v) {
    unsigned char b[4] = { (unsigned char)(v >> 24), (unsigned char)(v >> 16), (unsigned char)(v >> 8), (unsigned char)v };
    png_bytes(p, b, 4);
}

DRAW_API void png_begin(png *p, uint32_t length, const char *kind) {
    png_u32(p, length);
    p->crc = 0xffffffffu;
    png_bytes(p, kind, 4);
}

DRAW_API void png_end(png *p) { png_u32(p, ~p->crc); }

/* Writes RGB bytes, rows from top to bottom. */
DRAW_API bool write_png(const char *path, const unsigned char *rgb, int width, int height) {
    png p = { fopen(path, "wb"), 0, 1, 0 };
    uint32_t row = 3 * (uint32_t)width + 1;
    unsigned char filter = 0, header[5] = { 8, 2, 0, 0, 0 };
    if (!p.file) return false;
    fwrite("\x89PNG\r\n\x1a\n", 1, 8, p.file);
    png_begin(&p, 13, "IHDR");
    png_u32(&p, (uint32_t)width);
    png_u32(&p, (uint32_t)height);
    png_bytes(&p, header, 5);
    png_end(&p);
    png_begin(&p, 6 + (uint32_t)height * (row + 5), "IDAT");
    png_bytes(&p, "\x78\x01", 2);
    for (int y = 0; y < height; y++) {                     /* a block of its own for each row */
        const unsigned char *at = rgb + 3 * (size_t)width * (size_t)y;
        unsigned char block[5] = { y == height - 1, (unsigned char)row, (unsigned char)(row >> 8),
                                   (unsigned char)~row, (unsigned char)(~row >> 8) };
        png_bytes(&p, block, 5);
        png_bytes(&p, &filter, 1);
        png_bytes(&p, at, row - 1);
        p.b = (p.b + p.a) % 65521;                         /* the filter's byte is 0 */
        for (uint32_t i = 0; i < row - 1; i++) { p.a = (p.a + at[i]) % 65521; p.b = (p.b + p.a) % 65521; }
    }
    png_u32(&p, p.b << 16 | p.a);
    png_end(&p);
    png_begin(&p, 0, "IEND");
    png_end(&p);
    return fclose(p.file) == 0;
}

/* Writes n pictures [N, C, side, side] as one sheet of so many columns, each pixel a square of zoom x zoom. */
DRAW_API bool save_sheet(const char *path, const float *pictures, int n, int channels, int side, int columns, int zoom) {
    int step = side * zoom + 2, width = columns * step, height = (n + columns - 1) / columns * step;
    unsigned char *rgb = (unsigned char *)calloc(3, (size_t)width * (size_t)height);
    if (!rgb) return false;
    for (int i = 0; i < n; i++) {
        for (int y = 0; y < side * zoom; y++) for (int x = 0; x < side * zoom; x++) for (int k = 0; k < 3; k++) {
            float v = pictures[((i * channels + k % channels) * side + y / zoom) * side + x / zoom];
            int at = ((i / columns * step + y) * width + i % columns * step + x) * 3 + k;
            rgb[at] = (unsigned char)(v < 0 ? 0 : v > 1 ? 255 : v * 255 + 0.5f);
        }
    }
    bool ok = write_png(path, rgb, width, height);
    free(rgb);
    if (ok) printf("wrote %s\n", path);
    return ok;
}

#endif

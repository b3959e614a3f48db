/* tools/tg_transforms.h: places and colours by hand and to the bit of what torchvision 0.29 made of the same bytes (its hashes are below; each operation of the policies, boxes, masks
   and what is bent by bilinear interpolation were compared with it by hand, the last to 1 in 0.02% of bytes; of rotations that expand the boxes lie up to a pixel from torchvision's,
   which does not follow the rounding of the picture's size), boxes against the pixels that they surround, dice, rows against tensors, bits with other threads, vocabularies, bad input, empty and 1-pixel pictures, memory that runs out.
   cc tests/test_transforms.c -o test_transforms -lm -lpthread && ./test_transforms */
/* run.sh flags: -lm */
#include "test.h"
static long room_calls, room_fail;                                         /* the part's own allocator: the nth call fails */
static void *room_get(void *p, size_t size) { return ++room_calls == room_fail ? NULL : realloc(p, size); }
#define TG_TRANSFORMS_REALLOC(p, size) room_get(p, size)
#define TG_TRANSFORMS_FREE(p) free(p)
#define TG_TRANSFORMS_IMPLEMENTATION
#include "../tools/tg_transforms.h"

static tg_dice dice_of(uint64_t seed, uint64_t step, uint64_t row) { tg_dice d; d.seed = seed; d.step = step; d.row = row; d.rolls = 0; return d; }
static tg_tensor *bytes_of(tg_ctx *tg, int64_t n, int64_t c, int64_t h, int64_t w) { return tg_to(tg_randint(tg, 0, 256, TG_SHAPE(n, c, h, w)), TG_U8); }
static bool same(tg_tensor *a, tg_tensor *b) { return a && b && tg_item(tg_all(tg_eq(a, b))) > 0; }
static bool close_to(tg_tensor *a, tg_tensor *b, double tolerance) { return a && b && tg_item(tg_amax(tg_abs(tg_sub(tg_to(a, TG_F64), tg_to(b, TG_F64))))) <= tolerance; }

static void places(tg_ctx *tg) {
    static const float nine[9] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
    tg_tensor *x = tg_from_f32(tg, TG_SHAPE(1, 3, 3), nine), *t[10];
    const double fill = 7;
    tg_image_warp how;
    memset((void *)&how, 0, sizeof how);
    how.mode = TG_IMAGE_NEAREST;
    CHECK_NEAR(tg_item(tg_sum(tg_image_crop(x, -1, 1, 3, 4))), 2 + 3 + 5 + 6, 0);
    CHECK_NEAR(tg_item(tg_sum(tg_image_crop(x, 5, 5, 2, 2))), 0, 0);
    CHECK(same(tg_image_center_crop(x, 1, 1), tg_slice(x, ":, 1:2, 1:2")) && tg_image_center_crop(x, 5, 2)->shape[1] == 5);
    CHECK_NEAR(tg_item(tg_slice(tg_image_pad(x, 2, 0, 0, 0, 0, TG_IMAGE_REFLECT), ":, 0:1, 0:1")), 3, 0);
    CHECK_NEAR(tg_item(tg_slice(tg_image_pad(x, 2, 0, 0, 0, 0, TG_IMAGE_SYMMETRIC), ":, 0:1, 0:1")), 2, 0);
    CHECK_NEAR(tg_item(tg_slice(tg_image_pad(x, 2, 0, 0, 0, 0, TG_IMAGE_EDGE), ":, 0:1, 0:1")), 1, 0);
    CHECK_NEAR(tg_item(tg_slice(tg_image_pad(x, 2, 0, 0, 0, 9, TG_IMAGE_CONSTANT), ":, 0:1, 0:1")), 9, 0);
    CHECK(same(tg_image_horizontal_flip(x), tg_flip(x, TG_DIMS(2))) && same(tg_image_vertical_flip(x), tg_flip(x, TG_DIMS(1))));
    CHECK(close_to(tg_image_rotate(x, 90, &how), tg_image_vertical_flip(tg_transpose(x, 1, 2)), 0));
    how.fill = &fill;
    CHECK(close_to(tg_image_affine(x, 0, 1, 0, 1, 0, 0, &how), tg_image_pad(tg_image_crop(x, 0, 0, 3, 2), 1, 0, 0, 0, 7, TG_IMAGE_CONSTANT), 0));
    CHECK(tg_image_five_crop(x, 2, 2, t) && tg_image_ten_crop(x, 2, 2, true, t));
    CHECK(tg_image_resize(tg_zeros(tg, TG_SHAPE(3, 10, 20)), 5, 0, TG_IMAGE_BILINEAR, true)->shape[2] == 10);
    CHECK_OK(tg);
}
static void colours(tg_ctx *tg) {
    tg_tensor *x = bytes_of(tg, 2, 3, 5, 7), *f = tg_image_to_dtype(x, TG_F32), *g;
    const double mean = 0.5, std = 0.25;
    CHECK(same(tg_image_to_dtype(f, TG_U8), x));
    CHECK(same(tg_image_adjust_brightness(x, 1), x) && same(tg_image_adjust_contrast(x, 1), x) && same(tg_image_adjust_saturation(x, 1), x) && same(tg_image_adjust_sharpness(x, 1), x));
    CHECK(close_to(tg_image_adjust_hue(f, 0), f, 1e-5) && close_to(tg_image_adjust_hue(tg_image_adjust_hue(f, 0.3), -0.3), f, 1e-5) && same(tg_image_invert(tg_image_invert(x)), x));
    g = tg_image_grayscale(x, 3);
    CHECK(same(tg_select(g, 1, 0), tg_select(g, 1, 2)) && same(tg_image_solarize(x, 0), tg_image_invert(x)) && same(tg_image_posterize(x, 8), x));
    CHECK_NEAR(tg_item(tg_amax(tg_to(tg_image_posterize(x, 1), TG_F32))), 128, 0);
    CHECK_NEAR(tg_item(tg_amin(tg_image_autocontrast(f))), 0, 0);
    CHECK(close_to(tg_image_gaussian_blur(tg_full(tg, TG_SHAPE(3, 4, 4), 0.5, TG_F32), 3, 3, 1, 1), tg_full(tg, TG_SHAPE(3, 4, 4), 0.5, TG_F32), 1e-6));
    CHECK(close_to(tg_image_normalize(f, &mean, &std, 1), tg_mul_scalar(tg_sub_scalar(f, 0.5), 4), 1e-6));
    CHECK(tg_image_equalize(x) && tg_image_equalize(f) && tg_image_adjust_gamma(x, 2, 1));
    CHECK_OK(tg);
}
/* The bytes that torchvision 0.29.2 gives, on a machine with fused multiply and add. */
static uint64_t peers_state = 88172645463325252u;
static int64_t below(int64_t n) {
    uint64_t s = peers_state;
    s ^= s << 13; s ^= s >> 7; s ^= s << 17;
    peers_state = s;
    return (int64_t)((s >> 32) * (uint64_t)n >> 32);
}
static void hashes(tg_ctx *tg) {
    static const double fill[3] = { 10, 200, 30 }, centre[2] = { 5, 11 }, from[8] = { 0, 0, 30, 0, 30, 23, 0, 23 }, to[8] = { 3, 2, 26, 1, 28, 20, 2, 18 };
    tg_tensor *x = tg_empty(tg, TG_SHAPE(3, 24, 31), TG_U8), *y;
    tg_image_warp how;
    int64_t i;
    memset((void *)&how, 0, sizeof how);
    how.fill = fill; how.n_fill = 3; how.mode = TG_IMAGE_NEAREST;
    for (i = 0; i < x->numel; i++) ((unsigned char *)x->data)[i] = (unsigned char)below(256);
#define HASH(call, want) (y = tg_contiguous(call), CHECK_MSG(y && test_hash(0, y->data, (size_t)y->numel) == want, "%s has other bytes", #call))
    HASH(tg_image_adjust_saturation(x, 0.3), 0x7545cc6e15986d6fu); HASH(tg_image_adjust_saturation(x, 0.7), 0x0150268d38323da8u);
    HASH(tg_image_adjust_saturation(x, 1.3), 0xee452ae038cd88a6u); HASH(tg_image_adjust_saturation(x, 1.9), 0x62ac7f58603ced39u);
    HASH(tg_image_adjust_sharpness(x, 0.3), 0x77401414a7e29025u);  HASH(tg_image_adjust_sharpness(x, 0.7), 0x59937d561b798d2eu);
    HASH(tg_image_adjust_sharpness(x, 1.3), 0x1b396a60cdd505d2u);  HASH(tg_image_adjust_sharpness(x, 1.9), 0xdeaca4fce657f6ddu);
    HASH(tg_image_adjust_contrast(x, 0.7), 0x2149dfce057e8518u);   HASH(tg_image_adjust_contrast(x, 1.3), 0xc58cc90095f17360u);
    HASH(tg_image_grayscale(x, 1), 0x420821d60842b0f2u);           HASH(tg_image_equalize(x), 0x438751190514526bu);
    HASH(tg_image_autocontrast(x), 0x24a7ec6dc835710fu);           HASH(tg_image_posterize(x, 3), 0x81c3cedd95ab1365u);
    HASH(tg_image_solarize(x, 100), 0x8e6fb25bc569d213u);          HASH(tg_image_pad_channels(x, 1, 2, 3, 4, fill, 3), 0x35c008ad6beeb4ebu);
    HASH(tg_image_adjust_hue(x, -0.3), 0xcebe2cc75993cbdau);          HASH(tg_image_adjust_hue(x, 0.1), 0x26c3d1a214c1e593u);
    HASH(tg_image_perspective(x, from, to, &how), 0x72551d87173a8e4bu);
    how.expand = true;
    HASH(tg_image_rotate(x, 33, &how), 0x1fc93b8f5b99cd43u);
    how.expand = false; how.center = centre;
    HASH(tg_image_affine(x, 25, 4, -7, 0.8, 10, -5, &how), 0xa5c9808561e622c3u);
    /* no displacement changes nothing; one of a pixel is a shift */
    CHECK(close_to(tg_image_elastic(tg_to(x, TG_F32), tg_zeros(tg, TG_SHAPE(1, 24, 31, 2)), NULL), x, 0.01));
    y = tg_zeros(tg, TG_SHAPE(1, 24, 31, 2));
    tg_fill_(tg_select(y, -1, 0), 2.0 / 31);
    CHECK(close_to(tg_slice(tg_image_elastic(tg_to(x, TG_F32), y, NULL), ":, :, :30"), tg_slice(x, ":, :, 1:"), 0.02));
    CHECK_OK(tg);
}
static tg_image_crop_args crop_args(int64_t size, int64_t padding) { tg_image_crop_args a; memset(&a, 0, sizeof a); a.height = a.width = size; a.padding = padding; return a; }
/* every step once; the result's bits */
static tg_tensor *all_steps(tg_tensor *x) {
    static const tg_image_jitter_args jitter = { 0.4, 0.4, 0.4, 0.1 };
    static const tg_image_blur_args blur = { 3, 3, { 0, 0 } };
    static const tg_image_affine_args affine = { { -20, 20 }, { 0.1, 0.1 }, { 0.8, 1.2 }, { -5, 5, 0, 0 }, { NULL, NULL, 0, TG_IMAGE_BILINEAR, false } };
    static const tg_image_step some[] = { { tg_image_random_invert, NULL }, { tg_image_random_equalize, NULL }, { tg_image_random_autocontrast, NULL }, { tg_image_random_grayscale, NULL } };
    static const tg_image_perspective_args perspective = { 0.4, 0.9, { NULL, NULL, 0, TG_IMAGE_BILINEAR, false } };
    static const tg_image_elastic_args elastic = { { 3, 4 }, { 0.5, 0.75 }, { NULL, NULL, 0, TG_IMAGE_BILINEAR, false } };
    static const tg_image_size_args size = { 10, 0, TG_IMAGE_BICUBIC, false };
    static const tg_image_augment_args policy = { 3, 12, 0, TG_IMAGE_SVHN, { NULL, NULL, 0, TG_IMAGE_NEAREST, false } };
    tg_image_steps list;
    tg_image_crop_args crop = crop_args(8, 2);
    tg_image_resized_crop_args resized;
    tg_image_step steps[16];
    memset(&resized, 0, sizeof resized); resized.height = 9; resized.width = 10;
    list.steps = some; list.n = 4; list.p = 0;
    steps[0].make = tg_image_random_resized_crop; steps[0].options = &resized;
    steps[1].make = tg_image_random_crop; steps[1].options = &crop;
    steps[2].make = tg_image_random_horizontal_flip; steps[2].options = NULL;
    steps[3].make = tg_image_random_vertical_flip; steps[3].options = NULL;
    steps[4].make = tg_image_color_jitter; steps[4].options = &jitter;
    steps[5].make = tg_image_random_blur; steps[5].options = &blur;
    steps[6].make = tg_image_random_affine; steps[6].options = &affine;
    steps[7].make = tg_image_random_choice; steps[7].options = &list;
    steps[8].make = tg_image_random_apply; steps[8].options = &list;
    steps[9].make = tg_image_random_erasing; steps[9].options = NULL;
    steps[10].make = tg_image_random_perspective; steps[10].options = &perspective;
    steps[11].make = tg_image_random_elastic; steps[11].options = &elastic;
    steps[12].make = tg_image_rand_augment; steps[12].options = &policy;
    steps[13].make = tg_image_trivial_augment; steps[13].options = NULL;
    steps[14].make = tg_image_auto_augment; steps[14].options = &policy;
    steps[15].make = tg_image_to_size; steps[15].options = &size;
    return tg_image_each(x, 3, 14, NULL, steps, 16);
}
static void threads(void) {
    uint64_t want = 0;
    int n;
    for (n = 1; n <= 3; n++) {
        tg_config c = test_config(NULL);
        tg_ctx *tg;
        tg_tensor *y;
        uint64_t hash;
        c.threads = n; c.seed = 5;
        tg = tg_open(&c);
        y = tg_contiguous(all_steps(bytes_of(tg, 6, 3, 12, 13)));
        CHECK_OK(tg);
        hash = y ? test_hash(0, y->data, (size_t)y->numel) : 0;
        if (n == 1) want = hash;
        CHECK(y && y->ndim == 4 && hash == want);
        tg_close(tg);
    }
}
static void rows(tg_ctx *tg) {
    tg_tensor *x = bytes_of(tg, 1, 3, 9, 11), *y = tg_empty(tg, TG_SHAPE(1, 3, 6, 6), TG_U8), *f = tg_image_to_dtype(x, TG_F32), *g = tg_empty(tg, TG_SHAPE(1, 3, 9, 11), TG_F32);
    tg_pixels in;
    tg_image_crop_args crop = crop_args(6, 2);
    tg_image_resized_crop_args resized;
    uint64_t row;
    memset(&resized, 0, sizeof resized); resized.height = resized.width = 6;
    in.at = x->data; in.dtype = TG_U8; in.c = 3; in.h = 9; in.w = 11;
    for (row = 0; row < 20; row++) {
        tg_dice a = dice_of(1, 2, row), b = a;
        CHECK(tg_pixels_random_crop(&in, &a, &crop, 0, y->data) && same(y, tg_image_random_crop(x, &b, &crop)));
        a = b = dice_of(1, 3, row);
        CHECK(tg_pixels_random_resized_crop(&in, &a, NULL, 6, 6, 0, y->data) && close_to(y, tg_image_random_resized_crop(x, &b, &resized), 1));
    }
    CHECK(tg_pixels_to_float(&in, NULL, NULL, (float *)g->data) && close_to(g, f, 1e-7));
    in.at = f->data; in.dtype = TG_F32;
    { tg_dice a = dice_of(4, 4, 4), b = a;
      CHECK(tg_pixels_random_erasing(&in, &a, NULL, g->data) && same(g, tg_image_random_erasing(f, &b, NULL))); }
    CHECK(!tg_pixels_resize(&in, 0, 0, 10, 1, 2, 2, false, g->data) && !tg_pixels_crop(NULL, 0, 0, 1, 1, false, 0, g->data) && !tg_pixels_random_crop(&in, NULL, &crop, 0, g->data));
    CHECK_OK(tg);
}
/* A box that is painted into the mask goes where the mask goes; the picture, which is its own mask, too. */
static void around(tg_tensor *mask, double v, double b[4]) {               /* the edges of the pixels that hold v; false: none */
    const int64_t h = mask->shape[0], w = mask->shape[1];
    int64_t i, x, y;
    mask = tg_contiguous(tg_to(mask, TG_F32));
    b[0] = b[1] = 1e9; b[2] = b[3] = -1;
    for (i = 0; i < h * w; i++) {
        if (((float *)mask->data)[i] < v || ((float *)mask->data)[i] > v) continue;
        x = i % w; y = i / w;
        if ((double)x < b[0]) b[0] = (double)x;
        if ((double)y < b[1]) b[1] = (double)y;
        if ((double)(x + 1) > b[2]) b[2] = (double)(x + 1);
        if ((double)(y + 1) > b[3]) b[3] = (double)(y + 1);
    }
}
static void samples(tg_ctx *tg) {
    static const float two[2][4] = { { 8, 10, 20, 31 }, { 25, 4, 38, 16 } };
    static const tg_image_affine_args affine = { { -30, 30 }, { 0.1, 0.1 }, { 0.8, 1.2 }, { -9, 9, -9, 9 }, { NULL, NULL, 0, TG_IMAGE_NEAREST, false } };
    static const tg_image_affine_args turn = { { -180, 180 }, { 0, 0 }, { 0, 0 }, { 0, 0, 0, 0 }, { NULL, NULL, 0, TG_IMAGE_NEAREST, true } };
    static const tg_image_affine_args quarter = { { 90, 90 }, { 0, 0 }, { 0, 0 }, { 0, 0, 0, 0 }, { NULL, NULL, 0, TG_IMAGE_NEAREST, true } };
    static const tg_image_affine_args back = { { 270, 270 }, { 0, 0 }, { 0, 0 }, { 0, 0, 0, 0 }, { NULL, NULL, 0, TG_IMAGE_NEAREST, true } };
    static const tg_image_perspective_args perspective = { 0, 1, { NULL, NULL, 0, TG_IMAGE_NEAREST, false } };
    static const tg_image_size_args size = { 90, 110, TG_IMAGE_NEAREST, false };
    static const double always = 1;
    tg_image_resized_crop_args resized;
    tg_image_crop_args crop = crop_args(36, 5);
    tg_image_steps list;
    tg_image_step step, flips[2];
    static const double grey[1] = { 9 };
    static const tg_image_zoom_args zoom = { { 1, 3 }, 0.8, grey };
    const struct { tg_image_fn make; const void *options; double off; } every[] = {     /* how far pixels may lie inside of their box, and beyond it */
        { tg_image_random_horizontal_flip, &always, 0 }, { tg_image_random_vertical_flip, &always, 0 }, { tg_image_random_crop, &crop, 0 }, { tg_image_random_zoom_out, NULL, 0 }, { tg_image_random_rotation, &quarter, 0 },
        { tg_image_random_rotation, &back, 0 }, { tg_image_random_resized_crop, &resized, 2.5 }, { tg_image_to_size, &size, 2.5 }, { tg_image_random_affine, &affine, 3 },
        { tg_image_random_rotation, &turn, 2 }, { tg_image_random_perspective, &perspective, 4 }, { tg_image_compose, &list, 0 }, { tg_image_random_apply, &list, 0 }, { tg_image_random_choice, &list, 0 } };
    size_t i;
    uint64_t row;
    memset(&resized, 0, sizeof resized); resized.height = 60; resized.width = 50; resized.scale[0] = 0.4; resized.scale[1] = 1; resized.mode = TG_IMAGE_NEAREST;
    flips[0].make = tg_image_random_horizontal_flip; flips[1].make = tg_image_random_vertical_flip; flips[0].options = flips[1].options = &always;
    list.steps = flips; list.n = 2; list.p = 0;
    for (i = 0; i < sizeof every / sizeof *every; i++) for (row = 0; row < 6; row++) {
        tg_mark m = tg_begin(tg);
        tg_tensor *mask = tg_zeros(tg, TG_SHAPE(40, 44)), *boxes;
        tg_image_sample s;
        tg_dice dice = dice_of(8, i, row), again = dice;
        double b[4];
        int k, e;
        for (k = 0; k < 2; k++) tg_fill_(tg_narrow(tg_narrow(mask, 0, (int64_t)two[k][1], (int64_t)(two[k][3] - two[k][1])), 1, (int64_t)two[k][0], (int64_t)(two[k][2] - two[k][0])), k + 1);
        boxes = tg_from_f32(tg, TG_SHAPE(2, 4), two[0]);
        s.image = tg_unsqueeze(tg_clone(mask), 0); s.boxes = boxes; s.mask = tg_to(mask, row % 2 ? TG_I64 : TG_U8);
        step.make = every[i].make; step.options = every[i].options;
        CHECK(tg_image_with(&s, &dice, &step, 1));
        CHECK(same(tg_select(s.image, 0, 0), tg_to(s.mask, TG_F32)) && s.mask->dtype == (row % 2 ? TG_I64 : TG_U8));
        if (i < 11) CHECK(same(s.image, step.make(tg_unsqueeze(mask, 0), &again, step.options)) && again.rolls == dice.rolls);
        for (k = 0; k < 2; k++) {
            const float *got = (const float *)tg_contiguous(s.boxes)->data + 4 * k;
            around(s.mask, k + 1, b);
            if (b[2] < 0) { CHECK((double)(got[2] - got[0]) <= every[i].off + 1e-4 || (double)(got[3] - got[1]) <= every[i].off + 1e-4); continue; }      /* it has left the picture */
            for (e = 0; e < 4; e++) {
                const double beyond = e < 2 ? (double)got[e] - b[e] : b[e] - (double)got[e];           /* pixels reach out of the box */
                CHECK_MSG(beyond <= (every[i].off > 0 ? 1.01 : 1e-4) && -beyond <= every[i].off + 1e-4, "step %d row %d: box %d edge %d is %g, its pixels end at %g", (int)i, (int)row, k, e, (double)got[e], b[e]);
            }
        }
        tg_end(tg, m);
    }
    { static const tg_image_elastic_args waves = { { 20, 20 }, { 3, 3 }, { NULL, NULL, 0, TG_IMAGE_NEAREST, false } };
      tg_image_sample s, was;
      tg_dice dice = dice_of(8, 99, 0);
      tg_tensor *left;
      s.image = tg_rand(tg, TG_SHAPE(3, 40, 44)); s.boxes = tg_from_f32(tg, TG_SHAPE(2, 4), two[0]); s.mask = NULL;
      step.make = tg_image_random_elastic; step.options = &waves;
      CHECK(tg_image_with(&s, &dice, &step, 1) && close_to(s.boxes, tg_from_f32(tg, TG_SHAPE(2, 4), two[0]), 6) && !same(s.boxes, tg_from_f32(tg, TG_SHAPE(2, 4), two[0])));
      step.make = tg_image_random_invert; step.options = &always; was = s;                  /* values alone */
      CHECK(tg_image_with(&s, &dice, &step, 1) && s.boxes == was.boxes && same(s.image, tg_image_invert(was.image)));
      crop = crop_args(10, 0); step.make = tg_image_random_crop; step.options = &crop;
      CHECK(tg_image_with(&s, &dice, &step, 1) && tg_item(tg_amax(s.boxes)) <= 10 && tg_item(tg_amin(s.boxes)) >= 0);
      left = tg_image_boxes_left(s.boxes, 1);
      CHECK(left && left->dtype == TG_BOOL && left->numel == 2 && tg_item(tg_sum(tg_to(tg_image_boxes_left(tg_from_f32(tg, TG_SHAPE(2, 4), two[0]), 13), TG_F32))) == 0);
      { int cut = 0, gone = 0;
        for (row = 0; row < 40; row++) {                                                    /* SSD's crop */
            const float *b;
            int k, left_over = 0;
            dice = dice_of(8, 7, row);
            s.image = tg_rand(tg, TG_SHAPE(1, 40, 44)); s.mask = NULL; s.boxes = tg_from_f32(tg, TG_SHAPE(2, 4), two[0]); was = s;
            step.make = tg_image_random_iou_crop; step.options = NULL;
            CHECK(tg_image_with(&s, &dice, &step, 1));
            if (s.image == was.image) { CHECK(s.boxes == was.boxes); continue; }
            cut++;
            b = (const float *)tg_contiguous(s.boxes)->data;
            for (k = 0; k < 2; k++) {
                const double bw = (double)(b[4 * k + 2] - b[4 * k]), bh = (double)(b[4 * k + 3] - b[4 * k + 1]);
                CHECK((bw > 0 && bh > 0 && b[4 * k + 2] <= (float)s.image->shape[2] && b[4 * k + 3] <= (float)s.image->shape[1]) || (bw >= 0 && bw <= 0 && bh >= 0 && bh <= 0));
                if (bw > 0) { left_over++; CHECK(2 * bw >= (double)(two[k][2] - two[k][0]) - 1 && 2 * bh >= (double)(two[k][3] - two[k][1]) - 1); } else gone++;      /* with its middle comes half of it */
            }
            CHECK(left_over > 0);
        }
        CHECK_MSG(cut > 15 && cut < 40 && gone > 5, "%d %d", cut, gone); }
      s.image = tg_rand(tg, TG_SHAPE(1, 10, 10));
      for (row = 0; row < 6; row++) {
          tg_tensor *z;
          dice = dice_of(8, 8, row);
          z = tg_image_random_zoom_out(s.image, &dice, &zoom);
          CHECK(z && z->shape[1] == z->shape[2] && z->shape[1] >= 10 && z->shape[1] <= 30);
          CHECK_NEAR(tg_item(tg_sum(z)), tg_item(tg_sum(s.image)) + 9 * (double)(z->numel - 100), 0.01);
      }
      s.boxes = tg_zeros(tg, TG_SHAPE(0, 4));                                               /* nothing to be seen */
      step.make = tg_image_random_rotation; step.options = &turn;
      CHECK(tg_image_with(&s, &dice, &step, 1) && s.boxes->shape[0] == 0); }
    CHECK_OK(tg);
}
static void policies(tg_ctx *tg) {
    static const tg_image_warp nearest = { NULL, NULL, 0, TG_IMAGE_NEAREST, false };
    tg_tensor *x = bytes_of(tg, 1, 3, 20, 20);
    int op, kept[3] = { 0, 0, 0 };
    uint64_t i;
    for (op = TG_IMAGE_IDENTITY; op <= TG_IMAGE_INVERT; op++) {                              /* a magnitude of nothing leaves all as it is */
        const double none = op == TG_IMAGE_POSTERIZE ? 8 : op == TG_IMAGE_SOLARIZE ? 1 : 0;
        tg_tensor *y = tg_image_augment(x, (tg_image_op)op, none, &nearest);
        CHECK(y && (op >= TG_IMAGE_SOLARIZE || same(y, x)));
    }
    CHECK(same(tg_image_augment(x, TG_IMAGE_TRANSLATE_X, 3.9, &nearest), tg_image_pad(tg_image_crop(x, 0, 0, 20, 17), 3, 0, 0, 0, 0, TG_IMAGE_CONSTANT)));
    CHECK(same(tg_image_augment(x, TG_IMAGE_COLOR, 0.5, NULL), tg_image_adjust_saturation(x, 1.5)) && same(tg_image_augment(x, TG_IMAGE_SOLARIZE, 0.5, NULL), tg_image_solarize(x, 127.5)));
    for (i = 0; i < 60; i++) {
        tg_dice a = dice_of(5, 0, i), b = a, c = a;
        kept[0] += same(tg_image_rand_augment(x, &a, NULL), x);
        kept[1] += same(tg_image_trivial_augment(x, &b, NULL), x);
        kept[2] += same(tg_image_auto_augment(x, &c, NULL), x);
    }
    CHECK_MSG(kept[0] < 12 && kept[1] < 24 && kept[2] < 36 && kept[1] > 0, "%d %d %d", kept[0], kept[1], kept[2]);
    CHECK_OK(tg);
}
static void mixing(tg_ctx *tg) {
    static const int64_t labels[3] = { 0, 1, 2 };
    tg_tensor *x = tg_rand(tg, TG_SHAPE(3, 1, 4, 5)), *t = tg_from(tg, TG_SHAPE(3), TG_I64, labels), *y, *m;
    uint64_t i;
    for (i = 0; i < 20; i++) {
        tg_dice d = dice_of(0, 0, i);
        m = tg_image_mixup(x, t, 3, &d, 0.2, &y);
        CHECK(m && y && close_to(tg_sum_dims(y, TG_DIMS(1), false), tg_ones(tg, TG_SHAPE(3)), 1e-6));
        if (y) CHECK(close_to(tg_select(m, 0, 1), tg_add(tg_mul(tg_select(x, 0, 1), tg_select(tg_select(y, 0, 1), 0, 1)), tg_mul(tg_select(x, 0, 0), tg_select(tg_select(y, 0, 1), 0, 0))), 1e-6));
        m = tg_image_cutmix(x, t, 3, &d, 0, &y);
        CHECK(m && y);
        if (y) CHECK_NEAR(tg_item(tg_sum(tg_to(tg_eq(tg_select(m, 0, 1), tg_select(x, 0, 1)), TG_F32))) / 20, tg_item(tg_select(tg_select(y, 0, 1), 0, 1)), 1e-6);
    }
    CHECK_OK(tg);
}
static void small_ones(tg_ctx *tg) {
    tg_tensor *one = tg_full(tg, TG_SHAPE(3, 1, 1), 40, TG_U8), *none = tg_zeros(tg, TG_SHAPE(0, 3, 4, 5)), *flat = tg_zeros(tg, TG_SHAPE(3, 0, 0));
    tg_dice d = dice_of(0, 0, 0);
    tg_image_warp how;
    memset((void *)&how, 0, sizeof how);
    how.expand = true;
    CHECK(tg_image_resize(one, 3, 3, TG_IMAGE_BILINEAR, true) && tg_image_rotate(one, 45, &how) && tg_image_adjust_hue(one, 0.1) && tg_image_equalize(one) && tg_image_autocontrast(one));
    CHECK(same(tg_image_adjust_sharpness(one, 2), one) && same(tg_image_gaussian_blur(one, 1, 1, 0, 0), one) && tg_image_random_erasing(one, &d, NULL) && tg_image_center_crop(one, 2, 2));
    CHECK(tg_image_resize(none, 2, 2, TG_IMAGE_BILINEAR, true)->shape[3] == 2 && tg_image_affine(none, 5, 0, 0, 1, 0, 0, NULL) && tg_image_equalize(none) && tg_image_autocontrast(none) && tg_image_adjust_hue(none, 0.1));
    CHECK(tg_image_gaussian_blur(none, 3, 3, 0, 0) && tg_image_horizontal_flip(flat) && tg_image_invert(flat) && tg_image_grayscale(flat, 1) && tg_image_pad(flat, 1, 1, 1, 1, 0, TG_IMAGE_CONSTANT) && tg_image_crop(flat, 0, 0, 2, 2));
    CHECK_OK(tg);
}
/* What only some types, channels and options bring up. */
static void corners(tg_ctx *tg) {
    static const double fills[5] = { 1, 2, 3, 4, 5 };
    static const tg_image_augment_args few = { 0, 0, 5, TG_IMAGE_IMAGENET, { NULL, NULL, 0, TG_IMAGE_BILINEAR, false } };
    const tg_image_step crop = { tg_image_random_iou_crop, NULL };
    tg_tensor *white = tg_ones(tg, TG_SHAPE(3, 4, 4)), *five = tg_zeros(tg, TG_SHAPE(5, 2, 2)), *x = bytes_of(tg, 1, 3, 20, 20), *box, *y;
    tg_dice d;
    int64_t row, cut = 0;
    CHECK_NEAR(tg_item(tg_amin(tg_to(tg_image_to_dtype(tg_to(white, TG_F16), TG_U8), TG_F32))), 255, 0);        /* white stays white */
    CHECK_NEAR(tg_item(tg_amin(tg_to(tg_image_to_dtype(tg_to(white, TG_BF16), TG_U8), TG_F32))), 255, 0);
    CHECK(same(tg_image_equalize(tg_to(white, TG_F16)), tg_to(white, TG_F16)));
    y = tg_image_pad_channels(five, 1, 0, 0, 1, fills, 5);                                          /* any number of channels: 5 pixels around 2 x 2 */
    CHECK(y && tg_item(tg_sum(y)) == 5 * (1 + 2 + 3 + 4 + 5));
    for (row = 0; row < 30; row++) {
        d = dice_of(2, 0, (uint64_t)row);
        CHECK(tg_image_trivial_augment(x, &d, &few) && tg_image_auto_augment(x, &d, &few));
    }
    box = tg_to(tg_mul_scalar(tg_reshape(tg_arange(tg, 0, 8, 1, TG_F32), TG_SHAPE(2, 4)), 2), TG_F16);                    /* 0 2 4 6, 8 10 12 14 */
    for (row = 0; row < 300; row++) {
        tg_image_sample s = { x, box, NULL };
        d = dice_of(3, 0, (uint64_t)row);
        CHECK(tg_image_with(&s, &d, &crop, 1) && same(s.boxes, s.boxes));                           /* no NaN among halves */
        if (s.image != x) cut++;
    }
    CHECK_MSG(cut > 150, "%d", (int)cut);                       /* options that find no piece are drawn anew: of small boxes two in three are cut, not one in three */
    CHECK_OK(tg);
}
#define REFUSED(call, code, says) do { CHECK(!(call)); CHECK_MSG(strstr(tg_error_text(tg), says) != NULL, "'%s' does not say '%s'", tg_error_text(tg), says); CHECK_ERROR(tg, code); } while (0)
static void refusals(tg_ctx *tg) {
    tg_tensor *x = tg_rand(tg, TG_SHAPE(3, 4, 5)), *two = tg_rand(tg, TG_SHAPE(2, 4, 5)), *y;
    const double zero = 0;
    tg_image_warp how;
    tg_dice d = dice_of(0, 0, 0);
    tg_image_crop_args crop = crop_args(9, 0);
    memset((void *)&how, 0, sizeof how);
    REFUSED(tg_image_crop(tg_rand(tg, TG_SHAPE(4, 5)), 0, 0, 1, 1), TG_ERROR_SHAPE, "three or more");
    REFUSED(tg_image_invert(tg_zeros_like(tg_to(x, TG_I64))), TG_ERROR_VALUE, "u8 or of a floating");
    REFUSED(tg_image_crop(x, 0, 0, -1, 1), TG_ERROR_VALUE, "crop:");
    REFUSED(tg_image_random_grayscale(two, &d, &zero), TG_ERROR_SHAPE, "1 or 3 channels");      /* though the dice never hit */
    REFUSED(tg_image_pad(x, 5, 0, 0, 0, 0, TG_IMAGE_REFLECT), TG_ERROR_VALUE, "mirror");
    REFUSED(tg_image_resize(x, 0, 3, TG_IMAGE_BILINEAR, true), TG_ERROR_VALUE, "resize:");
    REFUSED(tg_image_affine(x, 0, 0, 0, 0, 0, 0, NULL), TG_ERROR_VALUE, "scale is positive");
    how.mode = TG_IMAGE_BICUBIC;
    REFUSED(tg_image_rotate(x, 5, &how), TG_ERROR_VALUE, "bilinear or nearest");
    { static const double line[8] = { 0, 0, 1, 1, 2, 2, 3, 3 }, square[8] = { 0, 0, 4, 0, 4, 3, 0, 3 }, many[2] = { 0, 0 }, middle[2] = { 1, 1 };
      static const tg_image_step invert = { tg_image_random_invert, NULL };
      static const tg_image_augment_args wild = { 0, 40, 0, TG_IMAGE_IMAGENET, { NULL, NULL, 0, TG_IMAGE_BILINEAR, false } };
      tg_image_sample s;
      REFUSED(tg_image_perspective(x, square, line, NULL), TG_ERROR_VALUE, "one line");
      REFUSED(tg_image_elastic(x, x, NULL), TG_ERROR_SHAPE, "[1, H, W, 2]");
      REFUSED(tg_image_random_elastic(x, &d, NULL), TG_ERROR_SHAPE, "so small a picture");
      how.mode = TG_IMAGE_BILINEAR; how.fill = many; how.n_fill = 2;
      REFUSED(tg_image_affine(x, 1, 0, 0, 1, 0, 0, &how), TG_ERROR_VALUE, "each channel");
      how.fill = NULL; how.expand = true; how.center = middle;
      REFUSED(tg_image_rotate(x, 5, &how), TG_ERROR_VALUE, "middle");
      REFUSED(tg_image_pad_channels(x, 1, 1, 1, 1, many, 2), TG_ERROR_VALUE, "each channel");
      REFUSED(tg_image_augment(x, (tg_image_op)77, 0, NULL), TG_ERROR_VALUE, "tg_image_op");
      REFUSED(tg_image_augment(x, TG_IMAGE_POSTERIZE, 9, NULL), TG_ERROR_VALUE, "bits");
      REFUSED(tg_image_rand_augment(x, &d, &wild), TG_ERROR_VALUE, "bins");
      s.image = x; s.boxes = x; s.mask = NULL;
      REFUSED(tg_image_with(&s, &d, &invert, 1), TG_ERROR_SHAPE, "[N, 4]"); CHECK(s.image == x);
      s.boxes = NULL; s.mask = tg_zeros(tg, TG_SHAPE(3, 3));
      REFUSED(tg_image_with(&s, &d, &invert, 1), TG_ERROR_SHAPE, "as large");
      s.mask = NULL;
      REFUSED(tg_image_with(&s, NULL, &invert, 1), TG_ERROR_VALUE, "dice");
      CHECK(!tg_image_with(NULL, &d, &invert, 1) && !tg_image_boxes_left(NULL, 1)); }
    REFUSED(tg_image_adjust_hue(x, 0.6), TG_ERROR_VALUE, "-0.5");
    REFUSED(tg_image_adjust_contrast(two, 1), TG_ERROR_SHAPE, "1 or 3 channels");
    REFUSED(tg_image_adjust_brightness(x, -1), TG_ERROR_VALUE, "0 or more");
    REFUSED(tg_image_posterize(x, 9), TG_ERROR_VALUE, "bits");
    REFUSED(tg_image_solarize(x, 2), TG_ERROR_VALUE, "threshold");
    REFUSED(tg_image_gaussian_blur(x, 2, 3, 0, 0), TG_ERROR_VALUE, "odd");
    REFUSED(tg_image_normalize(x, &zero, &zero, 1), TG_ERROR_VALUE, "deviation is 0");
    REFUSED(tg_image_erase(x, 3, 0, 2, 1, x), TG_ERROR_VALUE, "not inside");
    { static const tg_image_blur_args falls = { 3, 3, { 3, 0 } };
      tg_image_affine_args affine;
      static const tg_image_augment_args high = { 0, 9, 5, TG_IMAGE_IMAGENET, { NULL, NULL, 0, TG_IMAGE_BILINEAR, false } };
      memset((void *)&affine, 0, sizeof affine);
      affine.scale[0] = 2;
      REFUSED(tg_image_random_blur(x, &d, &falls), TG_ERROR_VALUE, "less to more");
      REFUSED(tg_image_random_affine(x, &d, &affine), TG_ERROR_VALUE, "less to more");
      REFUSED(tg_image_rand_augment(x, &d, &high), TG_ERROR_VALUE, "bins"); }
    REFUSED(tg_image_pad(x, 1, 1, 1, 1, 0, (tg_image_border)9), TG_ERROR_VALUE, "border");
    REFUSED(tg_image_resize(x, INT64_MAX, 0, TG_IMAGE_BILINEAR, true), TG_ERROR_VALUE, "resize:");
    REFUSED(tg_image_random_crop(x, &d, NULL), TG_ERROR_VALUE, "options");
    REFUSED(tg_image_random_crop(x, &d, &crop), TG_ERROR_SHAPE, "larger than");
    REFUSED(tg_image_random_vertical_flip(x, NULL, NULL), TG_ERROR_VALUE, "dice");
    REFUSED(tg_image_mixup(x, x, 3, &d, 1, &y), TG_ERROR_SHAPE, "batch");
    REFUSED(tg_image_each(x, 0, 0, NULL, NULL, 0), TG_ERROR_SHAPE, "batch");
    { static const tg_image_step flip = { tg_image_random_horizontal_flip, NULL };
      const tg_mark m = tg_begin(tg);
      const int64_t rows[4] = { 7, 2, 2, 9 };
      tg_image_sample all = { NULL, NULL, NULL }, one;
      tg_tensor *pictures = tg_rand(tg, TG_SHAPE(4, 3, 5, 6)), *masks = tg_randint(tg, 0, 9, TG_SHAPE(4, 5, 6));
      int64_t i, flips = 0;
      uint64_t step;
      for (step = 0; step < 4; step++) {                       /* each with its own dice, and its mask as it goes */
          all.image = pictures; all.mask = masks;
          CHECK(tg_image_each_with(&all, 5, step, rows, &flip, 1) && same(all.image, tg_image_each(pictures, 5, step, rows, &flip, 1)) && all.mask->dtype == TG_I64);
          for (i = 0; i < 4; i++) {
              tg_dice dice = dice_of(5, step, (uint64_t)rows[i]);
              one.image = tg_select(pictures, 0, i); one.boxes = NULL; one.mask = tg_select(masks, 0, i);
              CHECK(tg_image_with(&one, &dice, &flip, 1) && same(one.mask, tg_select(all.mask, 0, i)));
              flips += !same(one.mask, tg_select(masks, 0, i));
          }
      }
      CHECK(flips > 2 && flips < 14);
      all.image = pictures; all.mask = NULL;
      CHECK(tg_image_each_with(&all, 5, 1, NULL, &flip, 1) && !all.mask && same(all.image, tg_image_each(pictures, 5, 1, NULL, &flip, 1)));
      all.image = pictures; all.mask = tg_narrow(masks, 0, 0, 3);
      REFUSED(tg_image_each_with(&all, 5, 1, NULL, &flip, 1), TG_ERROR_SHAPE, "as many masks"); CHECK(all.image == pictures);
      all.mask = tg_narrow(masks, 2, 0, 3);
      REFUSED(tg_image_each_with(&all, 5, 1, NULL, &flip, 1), TG_ERROR_SHAPE, "as large"); CHECK(all.image == pictures);
      all.mask = masks; all.boxes = x;
      REFUSED(tg_image_each_with(&all, 5, 1, NULL, &flip, 1), TG_ERROR_VALUE, "boxes");
      CHECK(!tg_image_each_with(NULL, 5, 1, NULL, &flip, 1));
      tg_end(tg, m); }
    CHECK(!tg_image_invert(NULL) && !tg_image_resize(NULL, 1, 1, TG_IMAGE_BILINEAR, true) && !tg_image_compose(NULL, &d, NULL));
}
static void text(tg_ctx *tg) {
    static const char story[] = "The cat, the dog. THE end\xc3\xa4!";
    tg_vocab *v = tg_vocab_new(false), *c = tg_vocab_new(true);
    int64_t ids[12];
    tg_tensor *t;
    CHECK(v && c && tg_vocab_read(v, story, sizeof story - 1) && tg_vocab_sort(v, 1, 0));
    CHECK_INT(tg_vocab_size(v), 2 + 7); CHECK_INT(tg_vocab_id(v, "the", 3), 2); CHECK_INT(tg_vocab_id(v, "bird", 4), TG_VOCAB_UNKNOWN); CHECK_TEXT(tg_vocab_word(v, 3), "cat");
    CHECK_INT(tg_vocab_encode_padded(v, "The bird", 8, ids, 4), 2); CHECK(ids[0] == 2 && ids[1] == 1 && ids[2] == 0 && ids[3] == 0);
    CHECK_INT(tg_vocab_encode_padded(v, "a b c d e", 9, ids, 3), 3); CHECK_INT(tg_vocab_encode(v, "a b c d e", 9, NULL, 0), 5);
    CHECK(tg_vocab_sort(v, 2, 0) && tg_vocab_size(v) == 3 && tg_vocab_id(v, "cat", 3) == TG_VOCAB_UNKNOWN && !tg_vocab_word(v, 3) && !tg_vocab_word(v, -1));
    CHECK(tg_vocab_read(c, "a\xc3\xa4\xc3", 4) && tg_vocab_size(c) == 5 && tg_vocab_id(c, "\xc3\xa4", 2) == 3);
    t = tg_text_windows(tg_vocab_tensor(tg, c, "aaxaa", 5), 2, 1);
    CHECK(t && t->shape[0] == 4 && tg_item(tg_sum(t)) == 2 * (2 + 1 + 2) + 2 + 2);
    CHECK(tg_vocab_tensor(tg, c, "", 0)->numel == 0);
    { static const char *const bad[] = { "", "words", "word\na\n", "words\na", "words\na\na\n", "words\n\\x\n", "words\n\\", "words\n<pad>\n" };
      char text[200], less[8];
      tg_vocab *again;
      size_t n, i;
      CHECK(tg_vocab_read(c, "\n\\n \0z", 6) && tg_vocab_add(c, "<bos>", 5) > 0);            /* a line feed, a backslash, a zero */
      n = tg_vocab_format(c, text, sizeof text);
      CHECK(n < sizeof text && strlen(text) == n && tg_vocab_format(c, less, sizeof less) == n && memcmp(less, text, 7) == 0 && !less[7] && tg_vocab_format(c, NULL, 0) == n);
      again = tg_vocab_parse(text, n);
      CHECK(again && tg_vocab_size(again) == tg_vocab_size(c));
      for (i = 0; again && (int64_t)i < tg_vocab_size(c); i++) CHECK_TEXT(tg_vocab_word(again, (int64_t)i), tg_vocab_word(c, (int64_t)i));
      CHECK(again && tg_vocab_id(again, "\n", 1) == tg_vocab_id(c, "\n", 1) && tg_vocab_id(again, "\0", 1) == tg_vocab_id(c, "\0", 1) && tg_vocab_encode(again, "ab", 2, NULL, 0) == 2);
      tg_vocab_free(again);
      for (i = 0; i < sizeof bad / sizeof *bad; i++) CHECK_MSG(!tg_vocab_parse(bad[i], strlen(bad[i])), "'%s' is no vocabulary", bad[i]);
      for (room_fail = 1; ; room_fail++) {
          room_calls = 0;
          again = tg_vocab_parse(text, n);
          CHECK((again != NULL) == (room_calls < room_fail));
          tg_vocab_free(again);
          if (room_calls < room_fail) break;
      }
      room_fail = 0; }
    tg_vocab_free(v); tg_vocab_free(c); tg_vocab_free(NULL);
    CHECK_OK(tg);
    for (room_fail = 1; ; room_fail++) {                                    /* the vocabulary's own memory runs out */
        bool ok;
        room_calls = 0;
        v = tg_vocab_new(true);
        ok = v && tg_vocab_read(v, story, sizeof story - 1) && tg_vocab_sort(v, 1, 5);
        tg_vocab_free(v);
        CHECK(ok == (room_calls < room_fail));
        if (ok) break;
    }
    room_fail = 0;
}
static void memory(void) {
    test_heap heap = TEST_HEAP;
    for (heap.fail_at = 1; ; heap.fail_at++) {
        tg_ctx *tg = test_open_heap(&heap);
        if (tg) {
            tg_tensor *y = all_steps(bytes_of(tg, 2, 3, 6, 6));
            CHECK(tg_failed(tg) ? !y && tg_error(tg) == TG_ERROR_MEMORY : y != NULL);
            test_close(tg);
        }
        if (!test_heap_ended(&heap)) break;
    }
    { tg_ctx *tg = test_open();
      tg_tensor *x = bytes_of(tg, 1, 3, 4, 4);
      room_calls = 0; room_fail = 1;
      CHECK(!tg_image_equalize(x)); CHECK_ERROR(tg, TG_ERROR_MEMORY);
      room_calls = 0;
      CHECK(!tg_image_each(x, 0, 0, NULL, NULL, 0)); CHECK_ERROR(tg, TG_ERROR_MEMORY);
      room_fail = 0;
      test_close(tg); }
}

int main(void) {
    tg_ctx *tg = test_open();
    places(tg);
    colours(tg);
    hashes(tg);
    samples(tg);
    policies(tg);
    rows(tg);
    mixing(tg);
    small_ones(tg);
    corners(tg);
    refusals(tg);
    text(tg);
    test_close(tg);
    threads();
    memory();
    return test_end("transforms");
}

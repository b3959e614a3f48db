/* tg_transforms.h - pictures and texts made ready for training, for tensorgrad.h: crop, flip, resize, rotate, bend,
   colour, blur, erase, mix, with boxes and masks; words to numbers.

   Written with public functions of tensorgrad.h only. In exactly one source file:

       #define TG_TRANSFORMS_IMPLEMENTATION
       #include "tg_transforms.h"                 finds "tensorgrad.h" beside it, unless that was included before

   and in all others only the #include. C99 and up, C++11 and up. Names, order of arguments, defaults and results are those of
   torchvision.transforms.v2 (its functional part without dice, its classes with them). There are three ways to use it:

   One picture or a batch, by plain functions of tensors:

       x = tg_image_normalize(tg_image_to_dtype(tg_image_resize(x, 224, 224, TG_IMAGE_BILINEAR, true), TG_F32), mean, std, 3);

   A list of steps, each row of a batch with its own dice:

       tg_image_crop_args crop = {0};             tg_image_crop_args crop = tg_image_crop_args(); in C++
       crop.height = crop.width = 32; crop.padding = 4;
       tg_image_step steps[] = { { tg_image_random_crop, &crop }, { tg_image_random_horizontal_flip, NULL }, {
       tg_image_color_jitter, &jitter } }; x = tg_image_each(x, seed, step, NULL, steps, 3);

   The same list for a picture with its boxes and its mask, which go where the pixels go:

       tg_image_sample s = { picture, boxes, mask };
       tg_image_with(&s, &dice, steps, 3);

   In a dataset's row function (tg_data_args.fill), which may run on any thread and calls no tensor function: tg_pixels_..., on
   plain memory, without an allocation:

       bool fill(void *user, int64_t row, tg_dice *dice, void *const *out) {
           tg_pixels in = { photo(user, row), TG_U8, 3, 256, 256 };
           return tg_pixels_random_resized_crop(&in, dice, NULL, 224, 224, 0.5, out[0]);
       }

   What is random is a function of the dice alone, (seed, step, row): the same bits with any number of threads and after a resume. The
   numbers are not torch's. Where a tensor function and a row function exist, both take the same numbers from the dice. */
#ifndef TG_TRANSFORMS_H
#define TG_TRANSFORMS_H
#ifndef TENSORGRAD_H
#include "tensorgrad.h"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ======================================================================================
   pictures as tensors
   ====================================================================================== */

/* A picture is [..., C, H, W], with any leading dimensions, u8 in 0 to 255 or of a floating type in 0 to 1. Results have x's type, and
   all but equalize can be differentiated where x is of a floating type. A result may be x itself or a view of it. NULL: an error,
   whose text stands in the context. */
typedef enum tg_image_mode { TG_IMAGE_BILINEAR = 0, TG_IMAGE_NEAREST, TG_IMAGE_NEAREST_EXACT, TG_IMAGE_BICUBIC } tg_image_mode;
typedef enum tg_image_border {
    TG_IMAGE_CONSTANT = 0,     /* `fill` all around                              */
    TG_IMAGE_EDGE,             /* a a a b c d: the outermost pixel again         */
    TG_IMAGE_REFLECT,          /* c b a b c d: mirrored at the outermost pixel   */
    TG_IMAGE_SYMMETRIC         /* b a a b c d: mirrored at the outer edge        */
} tg_image_border;

/* Places. [..., C, H, W] -> [..., C, height, width] */
tg_tensor *tg_image_crop(tg_tensor *x, int64_t top, int64_t left, int64_t height, int64_t width);   /* what lies outside of x is 0 */
tg_tensor *tg_image_center_crop(tg_tensor *x, int64_t height, int64_t width);        /* likewise */
bool       tg_image_five_crop(tg_tensor *x, int64_t height, int64_t width, tg_tensor *out[5]);
    /* top left, top right, bottom left, bottom right, centre; larger than x is an error */
/* these, and these flipped */
bool       tg_image_ten_crop(tg_tensor *x, int64_t height, int64_t width, bool vertical_flip, tg_tensor *out[10]);
tg_tensor *tg_image_pad(tg_tensor *x, int64_t left, int64_t top, int64_t right, int64_t bottom, double fill, tg_image_border border);
    /* -> [..., C, top + H + bottom, left + W + right]; no number is negative */
/* n is C or 1 */
tg_tensor *tg_image_pad_channels(tg_tensor *x, int64_t left, int64_t top, int64_t right, int64_t bottom, const double *fill, int n);
tg_tensor *tg_image_horizontal_flip(tg_tensor *x);                                   /* left to right */
tg_tensor *tg_image_vertical_flip(tg_tensor *x);                                     /* top to bottom */
tg_tensor *tg_image_resize(tg_tensor *x, int64_t height, int64_t width, tg_image_mode mode, bool antialias);
    /* width 0: the shorter edge becomes `height`, the other follows in proportion. torch's defaults are bilinear and antialias, which
       smooths what gets smaller; the nearest modes know no antialias and pass over it */
tg_tensor *tg_image_resized_crop(tg_tensor *x, int64_t top, int64_t left, int64_t height, int64_t width,
    int64_t to_height, int64_t to_width,
    tg_image_mode mode, bool antialias);                                             /* crop, then resize */
/* How a picture is bent. NULL and zeros: bilinear (torch's default is nearest in some), about the middle. */
typedef struct tg_image_warp {
    const double *center;      /* x and y in pixels from the upper left corner; of affine and rotate */
    const double *fill;
        /* what comes where x does not reach; NULL: 0, with edges that fade into it only once, as torch's fill=None */
    int n_fill;                /* so many numbers, C; zero: one for all channels */
    tg_image_mode mode;        /* bilinear or nearest */
    bool expand;               /* of rotate: the result is as large as the whole turned picture needs; has no center */
} tg_image_warp;
tg_tensor *tg_image_affine(tg_tensor *x, double angle, double translate_x, double translate_y, double scale,
    double shear_x, double shear_y, const tg_image_warp *how);
    /* angles in degrees, clockwise, translation in pixels */
tg_tensor *tg_image_rotate(tg_tensor *x, double angle, const tg_image_warp *how);         /* counter-clockwise */
tg_tensor *tg_image_perspective(tg_tensor *x, const double from[8], const double to[8], const tg_image_warp *how);
    /* four points of x, each x and y in pixels, and where they come to lie */
tg_tensor *tg_image_elastic(tg_tensor *x, tg_tensor *displacement, const tg_image_warp *how);
    /* the pixel at (row, col) comes from displacement[0, row, col] beside it: [1, H, W, 2], x and y, in halves of W and H */

/* Colours. C is 1 or 3 (red, green, blue); one channel has no saturation and no hue. -> x's shape */
/* times factor, which is at least 0; 1 leaves all as it is, here and below */
tg_tensor *tg_image_adjust_brightness(tg_tensor *x, double factor);
tg_tensor *tg_image_adjust_contrast(tg_tensor *x, double factor);         /* away from the picture's mean grey, or towards it */
tg_tensor *tg_image_adjust_saturation(tg_tensor *x, double factor);       /* away from each pixel's grey, or towards it */
tg_tensor *tg_image_adjust_hue(tg_tensor *x, double turn);                /* -0.5 to 0.5 of the circle of colours; 0 leaves all as it is */
/* away from the smoothed picture, or towards it; the outermost pixels stay */
tg_tensor *tg_image_adjust_sharpness(tg_tensor *x, double factor);
tg_tensor *tg_image_adjust_gamma(tg_tensor *x, double gamma, double gain);           /* gain * x to the power gamma */
/* [..., 1 or 3, H, W] -> [..., channels, H, W]; channels is 1 or 3 */
tg_tensor *tg_image_grayscale(tg_tensor *x, int channels);
tg_tensor *tg_image_invert(tg_tensor *x);                                 /* the largest value minus x */
tg_tensor *tg_image_posterize(tg_tensor *x, int bits);                    /* only so many upper bits of 8 are kept */
tg_tensor *tg_image_solarize(tg_tensor *x, double threshold);             /* values from threshold on are inverted */
/* each channel's values spread so that all come up equally; on the host */
tg_tensor *tg_image_equalize(tg_tensor *x);
tg_tensor *tg_image_autocontrast(tg_tensor *x);                           /* each channel stretched to the whole range */
tg_tensor *tg_image_gaussian_blur(tg_tensor *x, int64_t kernel_x, int64_t kernel_y, double sigma_x, double sigma_y);
    /* kernels are odd and less than twice the size of x; sigma 0: 0.15 kernel + 0.35. The border is mirrored */

/* Values. */
tg_tensor *tg_image_to_dtype(tg_tensor *x, tg_dtype dtype);               /* u8 or a floating type; 255 and 1 are scaled to each other */
/* (x - mean) / std; n is C or 1. Floating types */
tg_tensor *tg_image_normalize(tg_tensor *x, const double *mean, const double *std, int n);
tg_tensor *tg_image_erase(tg_tensor *x, int64_t top, int64_t left, int64_t height, int64_t width, tg_tensor *value);
    /* a copy of x in which that box, inside of x, holds value, which is broadcast to [..., C, height, width] */

/* ======================================================================================
   steps with dice
   ====================================================================================== */

/* A step makes of a picture another one. options may be NULL for torch's defaults where not said otherwise; each function tells
   which struct it reads. Steps of your own are functions like these. All zeros in a struct are torch's defaults. A step draws
   once for all leading dimensions of x; tg_image_each draws for each row. */
typedef tg_tensor *(*tg_image_fn)(tg_tensor *x, tg_dice *dice, const void *options);
typedef struct tg_image_step { tg_image_fn make; const void *options; } tg_image_step;

typedef struct tg_image_steps { const tg_image_step *steps; int n; double p; } tg_image_steps;
tg_tensor *tg_image_compose(tg_tensor *x, tg_dice *dice, const void *steps);         /* tg_image_steps, needed: one after the other */
/* tg_image_steps, needed: all, with probability p; zero: 0.5 */
tg_tensor *tg_image_random_apply(tg_tensor *x, tg_dice *dice, const void *steps);
/* tg_image_steps, needed: one of them, each equally likely */
tg_tensor *tg_image_random_choice(tg_tensor *x, tg_dice *dice, const void *steps);
tg_tensor *tg_image_each(tg_tensor *x, uint64_t seed, uint64_t step, const int64_t *rows, const tg_image_step *steps, int n);
    /* [N, C, H, W] -> [N, ...]: each row by itself, with the dice (seed, step, rows[i]), or i where rows is NULL. All
       come out in one shape */

typedef struct tg_image_crop_args {
    int64_t height, width, padding;
    double fill; tg_image_border border; bool pad_if_needed;
    const double *fills;               /* in place of fill: one number for each channel; of tensors */
} tg_image_crop_args;
tg_tensor *tg_image_random_crop(tg_tensor *x, tg_dice *dice, const void *options);
    /* tg_image_crop_args, needed: `padding` pixels are put on all four sides, then a box of height x width is taken anywhere */
typedef struct tg_image_resized_crop_args {
    int64_t height, width;             /* needed for tensors */
    double scale[2], ratio[2];         /* the box's share of the area, and its width / height; zeros: 0.08 to 1, 3/4 to 4/3 */
    tg_image_mode mode; bool no_antialias;
} tg_image_resized_crop_args;
tg_tensor *tg_image_random_resized_crop(tg_tensor *x, tg_dice *dice, const void *options);   /* tg_image_resized_crop_args, needed */
tg_tensor *tg_image_random_horizontal_flip(tg_tensor *x, tg_dice *dice, const void *p);      /* const double, the probability; NULL: 0.5 */
tg_tensor *tg_image_random_vertical_flip(tg_tensor *x, tg_dice *dice, const void *p);        /* likewise, and the three below */
/* of 1 or 3 channels, to equal ones; NULL: 0.1 */
tg_tensor *tg_image_random_grayscale(tg_tensor *x, tg_dice *dice, const void *p);
tg_tensor *tg_image_random_invert(tg_tensor *x, tg_dice *dice, const void *p);
tg_tensor *tg_image_random_equalize(tg_tensor *x, tg_dice *dice, const void *p);
tg_tensor *tg_image_random_autocontrast(tg_tensor *x, tg_dice *dice, const void *p);
typedef struct tg_image_affine_args {
    double degrees[2];                 /* from, to */
    double translate[2];               /* at most that share of W and H, either way */
    double scale[2];                   /* from, to; zeros: 1 */
    double shear[4];                   /* degrees: x from, to, y from, to */
    tg_image_warp how;                 /* fill NULL: 0, which was given, here and below, as torch does it */
} tg_image_affine_args;
tg_tensor *tg_image_random_affine(tg_tensor *x, tg_dice *dice, const void *options);         /* tg_image_affine_args, needed */
tg_tensor *tg_image_random_rotation(tg_tensor *x, tg_dice *dice, const void *options);       /* likewise; reads degrees and how */
typedef struct tg_image_perspective_args { double distortion_scale, p; tg_image_warp how; } tg_image_perspective_args;
tg_tensor *tg_image_random_perspective(tg_tensor *x, tg_dice *dice, const void *options);
    /* tg_image_perspective_args: each corner moves inwards by at most that share of half the size; zeros: 0.5 and 0.5 */
typedef struct tg_image_elastic_args { double alpha[2], sigma[2]; tg_image_warp how; } tg_image_elastic_args;
tg_tensor *tg_image_random_elastic(tg_tensor *x, tg_dice *dice, const void *options);
    /* tg_image_elastic_args: torch's ElasticTransform: displacements of -1 to 1, blurred by sigma, times alpha,
       across and down; zeros: 50, 5. The blur reaches over 4 sigma: pictures that are smaller are refused */
typedef struct tg_image_size_args { int64_t height, width; tg_image_mode mode; bool no_antialias; } tg_image_size_args;
/* tg_image_size_args, needed: tg_image_resize as a step */
tg_tensor *tg_image_to_size(tg_tensor *x, tg_dice *dice, const void *options);
typedef struct tg_image_jitter_args { double brightness, contrast, saturation, hue; } tg_image_jitter_args;
tg_tensor *tg_image_color_jitter(tg_tensor *x, tg_dice *dice, const void *options);
    /* tg_image_jitter_args: factors between 1 - v (not below 0) and 1 + v, hue between -v and v, in random order. NULL: x */
typedef struct tg_image_blur_args { int64_t kernel_x, kernel_y; double sigma[2]; } tg_image_blur_args;
tg_tensor *tg_image_random_blur(tg_tensor *x, tg_dice *dice, const void *options);
    /* tg_image_blur_args, needed: torch's GaussianBlur, sigma from, to; zeros: 0.1 to 2 */
typedef struct tg_image_erasing_args { double p, scale[2], ratio[2], value; } tg_image_erasing_args;
tg_tensor *tg_image_random_erasing(tg_tensor *x, tg_dice *dice, const void *options);
    /* tg_image_erasing_args: a box is set to value. Zeros: probability 0.5, area 0.02 to 0.33, ratio 0.3 to 3.3 */

typedef struct tg_image_zoom_args { double side[2], p; const double *fills; } tg_image_zoom_args;
tg_tensor *tg_image_random_zoom_out(tg_tensor *x, tg_dice *dice, const void *options);
    /* tg_image_zoom_args: somewhere on a canvas whose sides are `side` times as long; zeros: 1 to 4, 0.5. fills: of
       the canvas, one number for each channel; NULL: 0 */
typedef struct tg_image_iou_args { double scale[2], ratio[2]; int trials; } tg_image_iou_args;
tg_tensor *tg_image_random_iou_crop(tg_tensor *x, tg_dice *dice, const void *options);
    /* tg_image_iou_args: SSD's crop, in tg_image_with: x itself, or a piece with the middle of a box in it that
       overlaps one by at least 0, 0.1, 0.3, 0.5, 0.7 or 0.9 of both areas; what is not found in so many trials is
       drawn anew. Boxes whose middle is elsewhere become empty. Zeros: sides of 0.3 to 1, width / height 0.5 to 2, 40
       trials. Without boxes: x */

/* Augmentation by policies: of one operation each, with a magnitude: shear by a slope, a translation in whole pixels, degrees, what
   comes to a factor of 1, bits, a share of the largest value. Pictures have 1 or 3 channels; torch's default mode is nearest. */
typedef enum tg_image_op {
    TG_IMAGE_IDENTITY = 0, TG_IMAGE_SHEAR_X, TG_IMAGE_SHEAR_Y, TG_IMAGE_TRANSLATE_X, TG_IMAGE_TRANSLATE_Y,
        TG_IMAGE_ROTATE, TG_IMAGE_BRIGHTNESS, TG_IMAGE_COLOR,
    TG_IMAGE_CONTRAST, TG_IMAGE_SHARPNESS, TG_IMAGE_POSTERIZE, TG_IMAGE_SOLARIZE, TG_IMAGE_AUTOCONTRAST, TG_IMAGE_EQUALIZE, TG_IMAGE_INVERT
} tg_image_op;
tg_tensor *tg_image_augment(tg_tensor *x, tg_image_op op, double magnitude, const tg_image_warp *how);
typedef enum tg_image_policy { TG_IMAGE_IMAGENET = 0, TG_IMAGE_CIFAR10, TG_IMAGE_SVHN } tg_image_policy;
typedef struct tg_image_augment_args { int num_ops, magnitude, bins; tg_image_policy policy; tg_image_warp how; } tg_image_augment_args;
tg_tensor *tg_image_rand_augment(tg_tensor *x, tg_dice *dice, const void *options);
    /* tg_image_augment_args: num_ops (zero: 2) of the operations up to equalize, each of the magnitude (zero: 9) of
       so many bins (zero: 31) */
/* likewise, reads bins: one, of any magnitude; torch's TrivialAugmentWide */
tg_tensor *tg_image_trivial_augment(tg_tensor *x, tg_dice *dice, const void *options);
/* likewise, reads policy: one of its 25 pairs */
tg_tensor *tg_image_auto_augment(tg_tensor *x, tg_dice *dice, const void *options);

/* A picture [C, H, W] for detection or segmentation, with what goes where its pixels go. Either of the two may be NULL. */
typedef struct tg_image_sample {
    tg_tensor *image;
    tg_tensor *boxes;
        /* [N, 4], x0, y0, x1, y1 in pixels, of a floating type; a box that is bent becomes the one around it, cut at
           the picture's edges */
    tg_tensor *mask;
        /* [H, W] or [..., H, W], numbers of classes or things, of u8 or another type of whole numbers below 2^24:
           nearest pixels, and 0 from beyond */
} tg_image_sample;
bool tg_image_with(tg_image_sample *s, tg_dice *dice, const tg_image_step *steps, int n);
    /* The steps above, one after the other; those that move pixels move boxes and mask too, all others, augmentation
       by policies and your own too, change the picture alone. False, and *s is as it was: an error */
bool tg_image_each_with(tg_image_sample *batch, uint64_t seed, uint64_t step, const int64_t *rows, const tg_image_step *steps, int n);
    /* tg_image_each of pictures [N, C, H, W] and masks [N, H, W] or [N, ..., H, W]; boxes is NULL: their number is
       another in each picture */
tg_tensor *tg_image_boxes_left(tg_tensor *boxes, double least);
    /* bool [N]: the box is still at least so wide and high; others can be dropped, with their labels: tg_index_select by tg_nonzero */

/* A batch x [N, C, H, W] and its targets, i64 [N] of so many classes, or already probabilities [N, classes]: each row is mixed with the
   row before it, the first with the last, by a share drawn from Beta(alpha, alpha); alpha 0 counts as 1. x is of a floating type for
   mixup. *y: the mixed targets, f32 [N, classes]; NULL with an error. */
tg_tensor *tg_image_mixup(tg_tensor *x, tg_tensor *targets, int64_t classes, tg_dice *dice, double alpha, tg_tensor **y);
/* a box of the other row */
tg_tensor *tg_image_cutmix(tg_tensor *x, tg_tensor *targets, int64_t classes, tg_dice *dice, double alpha, tg_tensor **y);

/* ======================================================================================
   pictures in plain memory, for row functions
   ====================================================================================== */

/* [C, H, W], packed, u8 or f32. These functions allocate nothing, touch no context, and return false where the type, the sizes or an
   address do not fit. `out` must not overlap the picture. */
typedef struct tg_pixels { const void *at; tg_dtype dtype; int64_t c, h, w; } tg_pixels;
bool tg_pixels_crop(const tg_pixels *in, int64_t top, int64_t left, int64_t height, int64_t width, bool flip, double fill, void *out);
    /* out [C, height, width] of in's type; outside of the picture is fill; flip: left to right */
bool tg_pixels_resize(const tg_pixels *in, int64_t top, int64_t left, int64_t height, int64_t width,
    int64_t to_height, int64_t to_width, bool flip, void *out);
    /* that box, inside of the picture, -> out [C, to_height, to_width] of in's type; bilinear with antialias. u8 is rounded once, which
       tg_image_resize, as torch, does after each of two passes: values may differ by 1 */
bool tg_pixels_to_float(const tg_pixels *in, const double *mean, const double *std, float *out);
    /* u8 is divided by 255; then (v - mean[c]) / std[c]; both may be NULL for 0 and 1. out [C, H, W]; here it may be in's own floats */
bool tg_pixels_random_crop(const tg_pixels *in, tg_dice *dice, const tg_image_crop_args *args, double flip, void *out);
    /* as the step, border constant, and then flipped with probability `flip`. out [C, args.height, args.width] */
bool tg_pixels_random_resized_crop(const tg_pixels *in, tg_dice *dice, const tg_image_resized_crop_args *args,
    int64_t height, int64_t width, double flip, void *out);
    /* as the step, bilinear; args may be NULL, its sizes are not read. out [C, height, width] */
bool tg_pixels_random_erasing(const tg_pixels *in, tg_dice *dice, const tg_image_erasing_args *args, void *out);   /* out may be in.at */

/* ======================================================================================
   text
   ====================================================================================== */

/* Words or characters with numbers. 0 is "<pad>", 1 is "<unk>", which all that is not in the vocabulary becomes. A word is a run
   of bytes that are neither ASCII spaces nor ASCII punctuation; a sign of punctuation is a word by itself; ASCII
   letters become small; words of more than 256 bytes are unknown. A character is one of UTF-8, or a byte that is not
   part of one. After building it is only read, from any number of threads. */
typedef struct tg_vocab tg_vocab;
enum { TG_VOCAB_PAD = 0, TG_VOCAB_UNKNOWN = 1 };
tg_vocab   *tg_vocab_new(bool characters);                                /* *owned*; NULL: out of memory */
void        tg_vocab_free(tg_vocab *v);                                   /* NULL is fine */
int64_t     tg_vocab_add(tg_vocab *v, const char *word, size_t size);     /* its number, a new one if need be; -1: out of memory */
/* adds all that stands in text, and counts it; false: out of memory */
bool        tg_vocab_read(tg_vocab *v, const char *text, size_t size);
bool        tg_vocab_sort(tg_vocab *v, int64_t least, int64_t most);
    /* renumbers, the most frequent first, of equals the one that came first; drops what came less often than `least`
       and, with most > 0, what is beyond so many numbers in all, 0 and 1 included; false: out of memory, and nothing
       is changed. Words of your own, "<bos>", come after that, by _add */
size_t      tg_vocab_format(const tg_vocab *v, char *out, size_t size);
    /* as text, to be kept with a model (tg_dict_set_meta, say), a line for each number; returns the length that is
       needed, as snprintf does */
/* the same again, without counts. *Owned*; NULL: out of memory, or that is no such text */
tg_vocab   *tg_vocab_parse(const char *text, size_t size);
int64_t     tg_vocab_size(const tg_vocab *v);                             /* how many numbers there are */
int64_t     tg_vocab_id(const tg_vocab *v, const char *word, size_t size);           /* TG_VOCAB_UNKNOWN if it is not there */
const char *tg_vocab_word(const tg_vocab *v, int64_t id);                 /* borrowed; NULL: no such number */
int64_t     tg_vocab_encode(const tg_vocab *v, const char *text, size_t size, int64_t *ids, int64_t room);
    /* how many numbers text has; the first `room` of them are written. Allocates nothing: fit for row functions */
int64_t     tg_vocab_encode_padded(const tg_vocab *v, const char *text, size_t size, int64_t *ids, int64_t length);
    /* exactly `length` numbers: the rest is cut off, or TG_VOCAB_PAD. Returns how many are of the text */
tg_tensor  *tg_vocab_tensor(tg_ctx *tg, const tg_vocab *v, const char *text, size_t size);   /* i64 [tokens] */
tg_tensor  *tg_text_windows(tg_tensor *tokens, int64_t length, int64_t step);
    /* [T] -> [windows, length]: a view of all runs of `length` tokens, each starting `step` after the one before it */

#ifdef __cplusplus
} /* extern "C" */
#endif
#endif /* TG_TRANSFORMS_H */

#if defined(TG_TRANSFORMS_IMPLEMENTATION) && !defined(TG_TRANSFORMS__DONE)
#define TG_TRANSFORMS__DONE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifndef TG_TRANSFORMS_REALLOC                    /* your own allocator for vocabularies and the host's copies: both or none */
#define TG_TRANSFORMS_REALLOC(p, size) realloc(p, size)
#define TG_TRANSFORMS_FREE(p) free(p)
#endif

/* ---- errors: a call that is refused by its check; its text begins with the name of the function ---- */
typedef struct tg_image__refusal { const char *text; tg_error_code code; } tg_image__refusal;
static bool tg_image__refuse_check(tg_ctx *tg, tg__node *n) {
    const tg_image__refusal *r = (const tg_image__refusal *)tg_node_attr(n);
    (void)tg;
    return tg_node_fail(n, r->code, r->text);
}
static bool tg_image__refuse_forward(tg_ctx *tg, tg__node *n) { (void)tg; (void)n; return false; }
static const tg_op tg_image__refuse_op = {
    "image", 1, 1, 0, 1, TG_OP_NO_GRAD, 0, { 0, 0, 0, 0 }, NULL, 0, sizeof(tg_image__refusal), tg_image__refuse_check,
        tg_image__refuse_forward, NULL, NULL };
static tg_tensor *tg_image__fail_as(tg_tensor *x, tg_error_code code, const char *text) {
    tg_image__refusal r;
    r.text = text; r.code = code;
    return x ? tg_call(&tg_image__refuse_op, &r, &x, 1, NULL) : NULL;
}
static tg_tensor *tg_image__fail(tg_tensor *x, const char *text) { return tg_image__fail_as(x, TG_ERROR_VALUE, text); }
/* x is there, nothing is pending, and it is a picture of a type that we compute with */
static bool tg_image__is(tg_tensor *x) {
    if (!x || tg_failed(x->tg)) return false;
    if (x->ndim < 3) return tg_image__fail_as(x, TG_ERROR_SHAPE, "a picture has three or more dimensions, [..., C, H, W]") != NULL;
    if (x->dtype != TG_U8 && !tg_dtype_is_float(x->dtype)) return tg_image__fail(x, "a picture is u8 or of a floating type") != NULL;
    return true;
}
static int64_t tg_image__c(const tg_tensor *x) { return x->shape[x->ndim - 3]; }
static int64_t tg_image__h(const tg_tensor *x) { return x->shape[x->ndim - 2]; }
static int64_t tg_image__w(const tg_tensor *x) { return x->shape[x->ndim - 1]; }
static bool tg_image__is_colour(tg_tensor *x) {
    if (!tg_image__is(x)) return false;
    return tg_image__c(x) == 1 || tg_image__c(x) == 3 ||
        tg_image__fail_as(x, TG_ERROR_SHAPE, "colours want a picture of 1 or 3 channels") != NULL;
}
static double tg_image__white(const tg_tensor *x) { return x->dtype == TG_U8 ? 255 : 1; }        /* the largest value */
static tg_tensor *tg_image__float(tg_tensor *x) { return x->dtype == TG_U8 ? tg_to(x, TG_F32) : x; }
/* cut to the range and, as torch does, to whole numbers, like */
static tg_tensor *tg_image__back(tg_tensor *y, tg_tensor *like) { return tg_to(tg_clamp(y, 0, tg_image__white(like)), like->dtype); }
/* x with other last three sizes; shape has room for all */
static int tg_image__shape(const tg_tensor *x, int64_t c, int64_t h, int64_t w, int64_t *shape) {
    int i;
    for (i = 0; i < x->ndim - 3; i++) shape[i] = x->shape[i];
    shape[i] = c; shape[i + 1] = h; shape[i + 2] = w;
    return x->ndim;
}
/* [..., C, H, W] -> [N, C, H, W], which resampling and convolution want, and back */
static tg_tensor *tg_image__batch(tg_tensor *x) {
    int64_t n = 1;
    int i;
    if (!x) return NULL;
    for (i = 0; i < x->ndim - 3; i++) n *= x->shape[i];
    return tg_reshape(x, TG_SHAPE(n, tg_image__c(x), tg_image__h(x), tg_image__w(x)));
}
static tg_tensor *tg_image__unbatch(tg_tensor *y, tg_tensor *like) {
    int64_t shape[TG_MAX_DIMS];
    if (!y) return NULL;
    return tg_reshape(y, tg_image__shape(like, y->shape[1], y->shape[2], y->shape[3], shape), shape);
}
static tg_tensor *tg_image__box(tg_tensor *x, int64_t top, int64_t left, int64_t height, int64_t width) {
    return tg_narrow(tg_narrow(x, -2, top, height), -1, left, width);
}

/* ---- places ---- */
tg_tensor *tg_image_crop(tg_tensor *x, int64_t top, int64_t left, int64_t height, int64_t width) {
    const int64_t limit = (int64_t)1 << 31;
    int64_t h, w;
    if (!tg_image__is(x)) return NULL;
    if (height < 0 || width < 0 || height > limit || width > limit || top < -limit || left < -limit || top > limit ||
        left > limit)
        return tg_image__fail(x, "crop: sizes are from 0 to 2^31, places within 2^31");
    h = tg_image__h(x); w = tg_image__w(x);
    if (top >= 0 && left >= 0 && top + height <= h && left + width <= w) return tg_image__box(x, top, left, height, width);
    if (top >= h || left >= w || top + height <= 0 || left + width <= 0) {                         /* beside it */
        int64_t shape[TG_MAX_DIMS];
        const int n = tg_image__shape(x, tg_image__c(x), height, width, shape);
        return tg_to(tg_new_zeros(x, n, shape), x->dtype);
    }
    return tg_constant_pad_nd(x, TG_DIMS(-left, left + width - w, -top, top + height - h), 0);     /* negative pads take away */
}
/* torch rounds half to even: int(round(d / 2)) */
static int64_t tg_image__half(int64_t d) { return d / 2 + (d % 2 && (d / 2) % 2 ? (d > 0 ? 1 : -1) : 0); }
tg_tensor *tg_image_center_crop(tg_tensor *x, int64_t height, int64_t width) {
    int64_t h, w;
    if (!tg_image__is(x)) return NULL;
    if (height < 0 || width < 0) return tg_image__fail(x, "center_crop: a size is negative");
    h = tg_image__h(x); w = tg_image__w(x);
    if (height > h || width > w) {                                                                  /* what is too small is padded first */
        const int64_t dh = height > h ? height - h : 0, dw = width > w ? width - w : 0;
        x = tg_image_pad(x, dw / 2, dh / 2, (dw + 1) / 2, (dh + 1) / 2, 0, TG_IMAGE_CONSTANT);
        h += dh; w += dw;
        if (!x) return NULL;
    }
    return tg_image_crop(x, tg_image__half(h - height), tg_image__half(w - width), height, width);
}
bool tg_image_five_crop(tg_tensor *x, int64_t height, int64_t width, tg_tensor *out[5]) {
    int64_t h, w;
    int i;
    for (i = 0; i < 5; i++) out[i] = NULL;
    if (!tg_image__is(x)) return false;
    h = tg_image__h(x); w = tg_image__w(x);
    if (height < 0 || width < 0 || height > h || width > w)
        return tg_image__fail(x, "five_crop: the boxes are larger than the picture") != NULL;
    out[0] = tg_image_crop(x, 0, 0, height, width);
    out[1] = tg_image_crop(x, 0, w - width, height, width);
    out[2] = tg_image_crop(x, h - height, 0, height, width);
    out[3] = tg_image_crop(x, h - height, w - width, height, width);
    out[4] = tg_image_center_crop(x, height, width);
    if (!tg_failed(x->tg)) return true;
    for (i = 0; i < 5; i++) out[i] = NULL;
    return false;
}
bool tg_image_ten_crop(tg_tensor *x, int64_t height, int64_t width, bool vertical_flip, tg_tensor *out[10]) {
    bool ok = tg_image_five_crop(x, height, width, out);
    tg_tensor *flipped = !ok ? NULL : vertical_flip ? tg_image_vertical_flip(x) : tg_image_horizontal_flip(x);
    int i;
    ok = flipped && tg_image_five_crop(flipped, height, width, out + 5);
    for (i = 0; !ok && i < 10; i++) out[i] = NULL;
    return ok;
}
/* What is written here is on the CPU, and numbers are beside the pictures that they meet, wherever tg_default_device has others made. */
static tg_tensor *tg_image__host(tg_ctx *tg, int ndim, const int64_t *shape, tg_dtype dtype) {
    return tg_to_device(tg_empty(tg, ndim, shape, dtype), TG_CPU);
}
static tg_tensor *tg_image__from(tg_tensor *x, int ndim, const int64_t *shape, tg_dtype dtype, const void *data) {
    return tg_to_device(tg_from(x->tg, ndim, shape, dtype, data), x->device);
}
static tg_tensor *tg_image__spaced(tg_tensor *x, double from, double to, int64_t n, tg_dtype dtype) {
    return tg_to_device(tg_linspace(x->tg, from, to, n, dtype), x->device);
}
/* where the pixel at place i, outside of 0 ... n - 1 too, comes from */
static int64_t tg_image__border_at(int64_t i, int64_t n, tg_image_border border) {
    if (i >= 0 && i < n) return i;
    if (border == TG_IMAGE_EDGE) return i < 0 ? 0 : n - 1;
    if (border == TG_IMAGE_REFLECT) return i < 0 ? -i : 2 * (n - 1) - i;
    return i < 0 ? -i - 1 : 2 * n - 1 - i;
}
/* one dimension with `before` and `after` more, by the places that they come from */
static tg_tensor *tg_image__pad_dim(tg_tensor *x, int64_t dim, int64_t n, int64_t before, int64_t after, tg_image_border border) {
    tg_tensor *at;
    int64_t i;
    if (!x || before + after == 0) return x;
    at = tg_image__host(x->tg, TG_SHAPE(before + n + after), TG_I64);
    if (!at) return NULL;
    for (i = 0; i < before + n + after; i++) ((int64_t *)at->data)[i] = tg_image__border_at(i - before, n, border);
    return tg_index_select(x, dim, tg_to_device(at, x->device));
}
static bool tg_image__reaches(int64_t n, int64_t before, int64_t after, tg_image_border border) {
    const int64_t most = border == TG_IMAGE_EDGE ? INT32_MAX : border == TG_IMAGE_REFLECT ? n - 1 : n;
    return (before == 0 && after == 0) || (n > 0 && before <= most && after <= most);
}
tg_tensor *tg_image_pad(tg_tensor *x, int64_t left, int64_t top, int64_t right, int64_t bottom, double fill, tg_image_border border) {
    int64_t h, w;
    if (!tg_image__is(x)) return NULL;
    if (left < 0 || top < 0 || right < 0 || bottom < 0 || left > INT32_MAX || top > INT32_MAX || right > INT32_MAX ||
        bottom > INT32_MAX)
        return tg_image__fail(x, "pad: numbers of pixels are 0 or more, and below 2^31");
    if ((int)border < 0 || (int)border > (int)TG_IMAGE_SYMMETRIC) return tg_image__fail(x, "pad: the border is one of tg_image_border");
    if (border == TG_IMAGE_CONSTANT) return tg_constant_pad_nd(x, TG_DIMS(left, right, top, bottom), fill);
    h = tg_image__h(x); w = tg_image__w(x);
    if (!tg_image__reaches(h, top, bottom, border) || !tg_image__reaches(w, left, right, border))
        return tg_image__fail(x, "pad: more pixels are asked for than the picture can mirror");
    return tg_image__pad_dim(tg_image__pad_dim(x, -2, h, top, bottom, border), -1, w, left, right, border);
}
tg_tensor *tg_image_pad_channels(tg_tensor *x, int64_t left, int64_t top, int64_t right, int64_t bottom, const double *fill, int n) {
    tg_tensor *inside;
    if (!tg_image__is(x)) return NULL;
    if (!fill || (n != 1 && n != tg_image__c(x))) return tg_image__fail(x, "pad: one number for each channel, or one for all");
    if (n == 1) return tg_image_pad(x, left, top, right, bottom, fill[0], TG_IMAGE_CONSTANT);
    inside = tg_image_pad(tg_new_full(x, TG_SHAPE(1, tg_image__h(x), tg_image__w(x)), 1, TG_U8), left, top, right,
        bottom, 0, TG_IMAGE_CONSTANT);
    x = tg_image_pad(x, left, top, right, bottom, 0, TG_IMAGE_CONSTANT);
    return x ? tg_where(tg_to(inside, TG_BOOL), x, tg_to(tg_image__from(x, TG_SHAPE(n, 1, 1), TG_F64, fill), x->dtype)) : NULL;
}
tg_tensor *tg_image_horizontal_flip(tg_tensor *x) { return tg_image__is(x) ? tg_flip(x, TG_DIMS(-1)) : NULL; }
tg_tensor *tg_image_vertical_flip(tg_tensor *x)   { return tg_image__is(x) ? tg_flip(x, TG_DIMS(-2)) : NULL; }
/* width 0: the shorter edge becomes *height, the other follows */
static bool tg_image__size(tg_tensor *x, int64_t *height, int64_t *width, tg_image_mode mode) {
    const int64_t h = tg_image__h(x), w = tg_image__w(x), edge = *height;
    if (*height <= 0 || *width < 0 || *height > INT32_MAX || *width > INT32_MAX || (int)mode < 0 ||
        (int)mode > (int)TG_IMAGE_BICUBIC)
        return tg_image__fail(x, "resize: the size is positive and below 2^31, and the mode one of TG_IMAGE_...") != NULL;
    if (h == 0 || w == 0) return tg_image__fail_as(x, TG_ERROR_SHAPE, "resize: the picture has no pixels") != NULL;
    if (*width) return true;
    *width  = w <= h ? edge : (int64_t)((double)edge * (double)w / (double)h);
    *height = w <= h ? (int64_t)((double)edge * (double)h / (double)w) : edge;
    return true;
}
tg_tensor *tg_image_resize(tg_tensor *x, int64_t height, int64_t width, tg_image_mode mode, bool antialias) {
    tg_interpolate_args a;
    int64_t shape[TG_MAX_DIMS];
    if (!tg_image__is(x) || !tg_image__size(x, &height, &width, mode)) return NULL;
    if (height == tg_image__h(x) && width == tg_image__w(x)) return x;
    if (x->numel == 0) return tg_reshape(x, tg_image__shape(x, tg_image__c(x), height, width, shape), shape);
    memset((void *)&a, 0, sizeof a);
    a.x = tg_image__batch(x);
    a.size[0] = height; a.size[1] = width;
    a.mode = mode == TG_IMAGE_BILINEAR ? TG_INTERPOLATE_BILINEAR : mode == TG_IMAGE_BICUBIC ? TG_INTERPOLATE_BICUBIC
        : mode == TG_IMAGE_NEAREST ? TG_INTERPOLATE_NEAREST : TG_INTERPOLATE_NEAREST_EXACT;
    a.antialias = antialias && (mode == TG_IMAGE_BILINEAR || mode == TG_IMAGE_BICUBIC);
    return a.x ? tg_image__unbatch(tg_interpolate_from(&a), x) : NULL;
}
tg_tensor *tg_image_resized_crop(tg_tensor *x, int64_t top, int64_t left, int64_t height, int64_t width,
    int64_t to_height, int64_t to_width, tg_image_mode mode, bool antialias) {
    return tg_image_resize(tg_image_crop(x, top, left, height, width), to_height, to_width, mode, antialias);
}
/* ---- moves: where pixels go, told once for a picture, its mask and its boxes ---- */
typedef enum tg_image__kind {
    TG_IMAGE__STAYS = 0, TG_IMAGE__BOX, TG_IMAGE__FLIP_X, TG_IMAGE__FLIP_Y, TG_IMAGE__TURN, TG_IMAGE__AFFINE,
        TG_IMAGE__PERSPECTIVE, TG_IMAGE__ELASTIC
} tg_image__kind;
typedef struct tg_image__move {
    tg_image__kind kind;
    int64_t pad[4]; double pad_fill; tg_image_border border;         /* a box: left, top, right, bottom are put on, */
    int64_t top, left, height, width;                                 /* this is cut out, */
    bool resized, antialias;                                          /* and comes to the size oh, ow */
    int quarters;                                                     /* turns */
    double m[9];
        /* of a place (x, y, 1) of the result makes one of x; affine ones count from the middles */
    int64_t oh, ow;
    tg_image_warp how;
    tg_tensor *displacement;
} tg_image__move;
static const double tg_image__black = 0;
/* -1 to 1 from edge to edge: the middles of n pixels */
static tg_tensor *tg_image__middles(tg_tensor *x, int64_t n, tg_dtype dtype) {
    const double end = n > 0 ? ((double)n - 1) / (double)n : 0;
    return tg_image__spaced(x, -end, end, n, dtype);
}
/* the grid [1, oh, ow, 2] that sampling wants */
static tg_tensor *tg_image__affine_grid(tg_tensor *x, const tg_image__move *v, int64_t h, int64_t w, tg_dtype dtype) {
    const double *m = v->m, sx = 0.5 * (double)w, sy = 0.5 * (double)h;
    tg_tensor *col = tg_image__spaced(x, (1.0 - (double)v->ow) * 0.5, ((double)v->ow - 1.0) * 0.5, v->ow, dtype);
    tg_tensor *row = tg_unsqueeze(tg_image__spaced(x, (1.0 - (double)v->oh) * 0.5, ((double)v->oh - 1.0) * 0.5,
        v->oh, dtype), 1), *list[2];
    list[0] = tg_add_scalar(tg_add(tg_mul_scalar(col, m[0] / sx), tg_mul_scalar(row, m[1] / sx)), m[2] / sx);
    list[1] = tg_add_scalar(tg_add(tg_mul_scalar(col, m[3] / sy), tg_mul_scalar(row, m[4] / sy)), m[5] / sy);
    return tg_failed(x->tg) ? NULL : tg_unsqueeze(tg_stack(list, 2, -1), 0);
}
static tg_tensor *tg_image__perspective_grid(tg_tensor *x, const tg_image__move *v, int64_t h, int64_t w, tg_dtype dtype) {
    const double *m = v->m, sx = 0.5 * (double)w, sy = 0.5 * (double)h;
    tg_tensor *col = tg_image__spaced(x, 0.5, (double)v->ow - 0.5, v->ow, dtype),
        *row = tg_unsqueeze(tg_image__spaced(x, 0.5, (double)v->oh - 0.5, v->oh, dtype), 1);
    tg_tensor *under = tg_add_scalar(tg_add(tg_mul_scalar(col, m[6]), tg_mul_scalar(row, m[7])), m[8]), *list[2];
    list[0] = tg_sub_scalar(tg_div(tg_add_scalar(tg_add(tg_mul_scalar(col, m[0] / sx), tg_mul_scalar(row, m[1] / sx)),
        m[2] / sx), under), 1);
    list[1] = tg_sub_scalar(tg_div(tg_add_scalar(tg_add(tg_mul_scalar(col, m[3] / sy), tg_mul_scalar(row, m[4] / sy)),
        m[5] / sy), under), 1);
    return tg_failed(x->tg) ? NULL : tg_unsqueeze(tg_stack(list, 2, -1), 0);
}
static tg_tensor *tg_image__elastic_grid(tg_tensor *x, const tg_image__move *v, int64_t h, int64_t w, tg_dtype dtype, double sign) {
    tg_tensor *list[2];
    list[0] = tg_expand(tg_image__middles(x, w, dtype), TG_SHAPE(h, w));
    list[1] = tg_expand(tg_unsqueeze(tg_image__middles(x, h, dtype), 1), TG_SHAPE(h, w));
    return tg_failed(x->tg) ? NULL : tg_add_scaled(tg_unsqueeze(tg_stack(list, 2, -1), 0),
        tg_to_device(tg_to(v->displacement, dtype), x->device), sign);
}
/* x at the places of the grid */
static tg_tensor *tg_image__sampled(tg_tensor *x, tg_tensor *grid, const tg_image_warp *how) {
    tg_tensor *y = tg_image__batch(tg_to(x, grid ? grid->dtype : x->dtype)), *mask = NULL, *fill = NULL;
    tg_grid_sample_args a;
    if (!grid || !y) return NULL;
    memset((void *)&a, 0, sizeof a);
    a.grid = tg_expand(grid, TG_SHAPE(y->shape[0], -1, -1, -1));
    a.mode = how->mode == TG_IMAGE_NEAREST ? TG_GRID_NEAREST : TG_GRID_BILINEAR;
    if (how->fill) {                                                                                /* what part of each pixel is x's */
        a.x = tg_new_ones(y, TG_SHAPE(y->shape[0], 1, tg_image__h(x), tg_image__w(x)));
        mask = a.x ? tg_grid_sample_from(&a) : NULL;
        fill = tg_to(tg_image__from(x, TG_SHAPE(how->n_fill ? how->n_fill : 1, 1, 1), TG_F64, how->fill), grid->dtype);
    }
    a.x = y;
    y = tg_grid_sample_from(&a);
    if (how->fill && how->mode == TG_IMAGE_NEAREST) y = tg_where(tg_lt_scalar(mask, 0.5), fill, y);
    else if (how->fill) y = tg_add(tg_mul(tg_sub(y, fill), mask), fill);
    if (x->dtype == TG_U8) y = tg_clamp(tg_round(y), 0, 255);
    return tg_image__unbatch(tg_to(y, x->dtype), x);
}
static tg_tensor *tg_image__moved(tg_tensor *x, const tg_image__move *v) {
    const tg_dtype dtype = x && x->dtype == TG_F64 ? TG_F64 : TG_F32;
    int64_t h, w, shape[TG_MAX_DIMS];
    if (!x || tg_failed(x->tg)) return NULL;
    h = tg_image__h(x); w = tg_image__w(x);
    switch (v->kind) {
    case TG_IMAGE__STAYS: return x;
    case TG_IMAGE__FLIP_X: return tg_image_horizontal_flip(x);
    case TG_IMAGE__FLIP_Y: return tg_image_vertical_flip(x);
    case TG_IMAGE__TURN: return tg_rot90(x, v->quarters, -2, -1);
    case TG_IMAGE__BOX:
        if (v->how.fill && v->border == TG_IMAGE_CONSTANT)
            x = tg_image_pad_channels(x, v->pad[0], v->pad[1], v->pad[2], v->pad[3], v->how.fill, v->how.n_fill ? v->how.n_fill : 1);
        else if (v->pad[0] || v->pad[1] || v->pad[2] || v->pad[3])
            x = tg_image_pad(x, v->pad[0], v->pad[1], v->pad[2], v->pad[3], v->pad_fill, v->border);
        x = tg_image_crop(x, v->top, v->left, v->height, v->width);
        return v->resized ? tg_image_resize(x, v->oh, v->ow, v->how.mode, v->antialias) : x;
    default: break;
    }
    if (v->how.mode != TG_IMAGE_BILINEAR && v->how.mode != TG_IMAGE_NEAREST)
        return tg_image__fail(x, "affine, rotate, perspective and elastic: the mode is bilinear or nearest");
    if (v->how.fill && v->how.n_fill && v->how.n_fill != 1 && v->how.n_fill != tg_image__c(x))
        return tg_image__fail(x, "fill: one number for each channel, or one for all");
    if (x->numel == 0)
        return h == v->oh && w == v->ow ? x : tg_new_zeros(x, tg_image__shape(x, tg_image__c(x), h && w ? v->oh : 0,
            h && w ? v->ow : 0, shape), shape);
    if (v->kind == TG_IMAGE__AFFINE) return tg_image__sampled(x, tg_image__affine_grid(x, v, h, w, dtype), &v->how);
    if (v->kind == TG_IMAGE__PERSPECTIVE) return tg_image__sampled(x, tg_image__perspective_grid(x, v, h, w, dtype), &v->how);
    return tg_image__sampled(x, tg_image__elastic_grid(x, v, h, w, dtype, 1), &v->how);
}
static void tg_image__move_of(tg_image__move *v, tg_image__kind kind, const tg_tensor *x, const tg_image_warp *how) {
    memset((void *)v, 0, sizeof *v);
    v->kind = kind; v->oh = tg_image__h(x); v->ow = tg_image__w(x);
    if (how) v->how = *how;
}
/* the inverse of: shear by sx, sy, scale, turn, translate, all about `center`; torchvision's _get_inverse_affine_matrix */
static void tg_image__inverse(tg_image__move *v, double angle, double tx, double ty, double scale, double shear_x, double shear_y) {
    const double degree = 3.14159265358979323846 / 180, turn = angle * degree, sx = shear_x * degree, sy = shear_y * degree;
    const double a = cos(turn - sy) / cos(sy), b = -(a * tan(sx) + sin(turn)), c = sin(turn - sy) / cos(sy), d = cos(turn) - c * tan(sx);
    const double cx = v->how.center ? v->how.center[0] - 0.5 * (double)v->ow : 0,
        cy = v->how.center ? v->how.center[1] - 0.5 * (double)v->oh : 0;
    double *m = v->m;
    m[0] = d / scale; m[1] = -b / scale; m[2] = cx - m[0] * (cx + tx) - m[1] * (cy + ty);
    m[3] = -c / scale; m[4] = a / scale; m[5] = cy - m[3] * (cx + tx) - m[4] * (cy + ty);
    m[8] = 1;
}
static bool tg_image__is_number(double v) { return v > -1e18 && v < 1e18; }
static bool tg_image__affine_of(tg_tensor *x, tg_image__move *v, double angle, double tx, double ty, double scale,
    double shear_x, double shear_y, const tg_image_warp *how) {
    if (!tg_image__is(x)) return false;
    if (!(scale > 0) || !tg_image__is_number(scale) || !tg_image__is_number(angle) || !tg_image__is_number(tx) || !tg_image__is_number(ty)
        || !tg_image__is_number(shear_x) || !tg_image__is_number(shear_y))
        return tg_image__fail(x, "affine: the scale is positive, and all are numbers") != NULL;
    tg_image__move_of(v, TG_IMAGE__AFFINE, x, how);
    tg_image__inverse(v, angle, tx, ty, scale, shear_x, shear_y);
    return true;
}
tg_tensor *tg_image_affine(tg_tensor *x, double angle, double translate_x, double translate_y, double scale,
    double shear_x, double shear_y, const tg_image_warp *how) {
    tg_image__move v;
    return tg_image__affine_of(x, &v, angle, translate_x, translate_y, scale, shear_x, shear_y, how) ? tg_image__moved(x, &v) : NULL;
}
/* how long the shadow of the turned picture is: its corners are at +-w/2, +-h/2; tenths of thousandths are rounding errors */
static int64_t tg_image__shadow(double a, double b, int64_t w, int64_t h, int64_t size) {
    const double reach = fabs(a) * 0.5 * (double)w + fabs(b) * 0.5 * (double)h, half = 0.5 * (double)size;
    return (int64_t)(ceil(trunc((half + reach) * 1e4) / 1e4) - floor(trunc((half - reach) * 1e4) / 1e4));
}
static bool tg_image__rotate_of(tg_tensor *x, tg_image__move *v, double angle, const tg_image_warp *how) {
    const bool expand = how && how->expand;
    int64_t h, w, quarters;
    if (!tg_image__is(x)) return false;
    if (!tg_image__is_number(angle)) return tg_image__fail(x, "rotate: the angle is a number") != NULL;
    if (expand && how->center) return tg_image__fail(x, "rotate: expand goes about the middle") != NULL;
    angle = fmod(fmod(angle, 360) + 360, 360);
    h = tg_image__h(x); w = tg_image__w(x);
    tg_image__move_of(v, TG_IMAGE__STAYS, x, how);
    if (angle <= 0) return true;
    quarters = angle >= 90 && angle <= 90 ? 1 : angle >= 180 && angle <= 180 ? 2 : angle >= 270 && angle <= 270 ? 3 : 0;
    tg_image__inverse(v, -angle, 0, 0, 1, 0, 0);
    if (expand) { v->oh = tg_image__shadow(v->m[3], v->m[4], w, h, h); v->ow = tg_image__shadow(v->m[0], v->m[1], w, h, w); }
    v->kind = TG_IMAGE__AFFINE;
    if (!v->how.center && (quarters == 2 || (quarters && (expand || h == w)))) {                    /* exact, as torch does it */
        v->kind = TG_IMAGE__TURN; v->quarters = (int)quarters;
        v->oh = quarters == 2 ? h : w; v->ow = quarters == 2 ? w : h;
    }
    return true;
}
tg_tensor *tg_image_rotate(tg_tensor *x, double angle, const tg_image_warp *how) {
    tg_image__move v;
    return tg_image__rotate_of(x, &v, angle, how) ? tg_image__moved(x, &v) : NULL;
}
/* a x = b by elimination with pivots, n = 8, x in b; false: points that lie on a line */
static bool tg_image__solve(double a[8][8], double b[8]) {
    int i, j, k;
    for (i = 0; i < 8; i++) {
        int pivot = i;
        for (k = i + 1; k < 8; k++) if (fabs(a[k][i]) > fabs(a[pivot][i])) pivot = k;
        if (!(fabs(a[pivot][i]) > 1e-12)) return false;
        for (j = 0; j < 8; j++) { const double t = a[i][j]; a[i][j] = a[pivot][j]; a[pivot][j] = t; }
        { const double t = b[i]; b[i] = b[pivot]; b[pivot] = t; }
        for (k = i + 1; k < 8; k++) {
            const double f = a[k][i] / a[i][i];
            for (j = i; j < 8; j++) a[k][j] -= f * a[i][j];
            b[k] -= f * b[i];
        }
    }
    for (i = 7; i >= 0; i--) {
        for (j = i + 1; j < 8; j++) b[i] -= a[i][j] * b[j];
        b[i] /= a[i][i];
    }
    return true;
}
static bool tg_image__perspective_of(tg_tensor *x, tg_image__move *v, const double from[8], const double to[8], const tg_image_warp *how) {
    double a[8][8], b[8];
    int i, k;
    if (!tg_image__is(x)) return false;
    tg_image__move_of(v, TG_IMAGE__PERSPECTIVE, x, how);
    /* (m0 X + m1 Y + m2) / (m6 X + m7 Y + 1) = x, and y likewise, of four points */
    for (i = 0; i < 8; i++) {
        const double *at = to + i / 2 * 2;
        if (!tg_image__is_number(from[i]) || !tg_image__is_number(to[i]))
            return tg_image__fail(x, "perspective: all places are numbers") != NULL;
        for (k = 0; k < 8; k++) a[i][k] = 0;
        k = i % 2 ? 3 : 0;
        a[i][k] = at[0]; a[i][k + 1] = at[1]; a[i][k + 2] = 1;
        a[i][6] = -from[i] * at[0]; a[i][7] = -from[i] * at[1];
        b[i] = from[i];
    }
    if (!tg_image__solve(a, b)) return tg_image__fail(x, "perspective: three of the points lie on one line") != NULL;
    for (i = 0; i < 8; i++) v->m[i] = b[i];
    v->m[8] = 1;
    return true;
}
tg_tensor *tg_image_perspective(tg_tensor *x, const double from[8], const double to[8], const tg_image_warp *how) {
    tg_image__move v;
    return tg_image__perspective_of(x, &v, from, to, how) ? tg_image__moved(x, &v) : NULL;
}
tg_tensor *tg_image_elastic(tg_tensor *x, tg_tensor *displacement, const tg_image_warp *how) {
    tg_image__move v;
    if (!tg_image__is(x)) return NULL;
    if (!displacement || displacement->ndim != 4 || displacement->shape[0] != 1 || displacement->shape[1] != tg_image__h(x)
        || displacement->shape[2] != tg_image__w(x) || displacement->shape[3] != 2)
        return tg_image__fail_as(x, TG_ERROR_SHAPE, "elastic: the displacement is [1, H, W, 2]");
    tg_image__move_of(&v, TG_IMAGE__ELASTIC, x, how);
    v.displacement = displacement;
    return tg_image__moved(x, &v);
}

/* ---- colours ---- */
/* a + alpha b, of bytes rounded once, as torch's add with its alpha does by a fused multiply and add: where the sum is a whole number or
   almost one, a second rounding would tip it over. b are whole numbers below 2^12, alpha comes in two halves, so that
   products are exact. */
static tg_tensor *tg_image__fused(tg_tensor *a, tg_tensor *b, double alpha, bool bytes) {
    const float whole = (float)alpha;
    float high;
    uint32_t bits;
    tg_tensor *product, *sum, *taken, *lost;
    if (!bytes) return tg_add_scaled(a, b, alpha);
    memcpy(&bits, &whole, 4);
    bits &= 0xfffff000u;
    memcpy(&high, &bits, 4);
    product = tg_mul_scalar(b, (double)high);
    sum = tg_add(a, product);
    taken = tg_sub(sum, a);
    lost = tg_add(tg_sub(a, tg_sub(sum, taken)), tg_sub(product, taken));
    return tg_add(sum, tg_add_scaled(lost, b, (double)whole - (double)high));
}
/* factor parts of x and 1 - factor parts of other */
static tg_tensor *tg_image__blend(tg_tensor *x, tg_tensor *other, double factor, bool whole) {
    return tg_image__back(tg_image__fused(tg_mul_scalar(tg_image__float(x), factor), other, 1 - factor, whole), x);
}
/* [..., 3, H, W] -> [..., 1, H, W], not yet rounded to x's type */
static tg_tensor *tg_image__grey(tg_tensor *x) {
    const bool bytes = x && x->dtype == TG_U8;
    x = x ? tg_image__float(x) : NULL;
    if (!x || tg_image__c(x) == 1) return x;
    return tg_image__fused(tg_image__fused(tg_mul_scalar(tg_narrow(x, -3, 0, 1), 0.2989), tg_narrow(x, -3, 1, 1),
        0.587, bytes), tg_narrow(x, -3, 2, 1), 0.114, bytes);
}
static tg_tensor *tg_image__whole_grey(tg_tensor *x) { return x->dtype == TG_U8 ? tg_floor(tg_image__grey(x)) : tg_image__grey(x); }
tg_tensor *tg_image_adjust_brightness(tg_tensor *x, double factor) {
    if (!tg_image__is_colour(x)) return NULL;
    if (!(factor >= 0)) return tg_image__fail(x, "adjust_brightness: the factor is 0 or more");
    return tg_image__back(tg_mul_scalar(tg_image__float(x), factor), x);
}
tg_tensor *tg_image_adjust_contrast(tg_tensor *x, double factor) {
    if (!tg_image__is_colour(x)) return NULL;
    if (!(factor >= 0)) return tg_image__fail(x, "adjust_contrast: the factor is 0 or more");
    return tg_image__blend(x, tg_mean_dims(tg_image__whole_grey(x), TG_DIMS(-3, -2, -1), true), factor, false);
}
tg_tensor *tg_image_adjust_saturation(tg_tensor *x, double factor) {
    if (!tg_image__is_colour(x)) return NULL;
    if (!(factor >= 0)) return tg_image__fail(x, "adjust_saturation: the factor is 0 or more");
    return tg_image__c(x) == 1 ? x : tg_image__blend(x, tg_image__whole_grey(x), factor, x->dtype == TG_U8);
}
/* h, s, v of r, g, b, all [..., H, W] in 0 to 1: Pillow's formula, as torchvision has it */
static void tg_image__to_hsv(tg_tensor *rgb, tg_tensor **h, tg_tensor **s, tg_tensor **v) {
    tg_tensor *r = tg_select(rgb, -3, 0), *g = tg_select(rgb, -3, 1), *b = tg_select(rgb, -3, 2);
    tg_tensor *low = tg_amin_dims(rgb, TG_DIMS(-3), false), *top = tg_amax_dims(rgb, TG_DIMS(-3), false),
        *range = tg_sub(top, low), *same = tg_eq(top, low), *one = tg_ones_like(top);
    tg_tensor *by = tg_where(same, one, range), *rc = tg_div(tg_sub(top, r), by), *gc = tg_div(tg_sub(top, g), by),
        *bc = tg_div(tg_sub(top, b), by);
    tg_tensor *turn = tg_where(tg_eq(top, r), tg_sub(bc, gc),
        tg_where(tg_eq(top, g), tg_sub(tg_add_scalar(rc, 2), bc), tg_sub(tg_add_scalar(gc, 4), rc)));
    *h = tg_fmod_scalar(tg_add_scalar(tg_mul_scalar(turn, 1.0 / 6), 1), 1);
    *s = tg_div(range, tg_where(same, one, top));
    *v = top;
}
static tg_tensor *tg_image__from_hsv(tg_tensor *h, tg_tensor *s, tg_tensor *v) {
    /* which of v, p, q, t in each sixth */
    static const int64_t from[3][6] = { { 0, 2, 1, 1, 3, 0 }, { 3, 0, 0, 2, 1, 1 }, { 1, 1, 3, 0, 0, 2 } };
    tg_tensor *h6 = tg_mul_scalar(h, 6), *sixth = tg_floor(h6), *sf = tg_mul(s, tg_sub(h6, sixth)),
        *rest = tg_add_scalar(tg_neg(s), 1), *list[4], *which[3];
    int k;
    list[0] = v;
    list[1] = tg_clamp(tg_mul(rest, v), 0, 1);
    list[2] = tg_clamp(tg_mul(tg_add_scalar(tg_neg(sf), 1), v), 0, 1);
    list[3] = tg_clamp(tg_mul(tg_add(sf, rest), v), 0, 1);
    sixth = tg_remainder_scalar(tg_to(sixth, TG_I64), 6);
    if (!sixth) return NULL;
    for (k = 0; k < 3; k++) which[k] = tg_take(tg_image__from(sixth, TG_SHAPE(6), TG_I64, from[k]), sixth);
    return tg_failed(sixth->tg) ? NULL : tg_gather(tg_stack(list, 4, -3), -3, tg_stack(which, 3, -3));
}
tg_tensor *tg_image_adjust_hue(tg_tensor *x, double turn) {
    tg_tensor *h, *s, *v;
    if (!tg_image__is_colour(x)) return NULL;
    if (!(turn >= -0.5 && turn <= 0.5)) return tg_image__fail(x, "adjust_hue: the turn is between -0.5 and 0.5");
    if (tg_image__c(x) == 1 || x->numel == 0) return x;
    tg_image__to_hsv(tg_image_to_dtype(x, x->dtype == TG_U8 ? TG_F32 : x->dtype), &h, &s, &v);
    return tg_image_to_dtype(tg_image__from_hsv(tg_remainder_scalar(tg_add_scalar(h, turn), 1), s, v), x->dtype);
}
/* each channel of [N, C, H, W] by the kernel [kh, kw] */
static tg_tensor *tg_image__conv(tg_tensor *x, tg_tensor *kernel) {
    tg_conv2d_args a;
    if (!x || !kernel) return NULL;
    memset((void *)&a, 0, sizeof a);
    a.x = x; a.groups = x->shape[1];
    a.weight = tg_contiguous(tg_expand(kernel, TG_SHAPE(x->shape[1], 1, kernel->shape[0], kernel->shape[1])));
    return a.weight ? tg_conv2d_from(&a) : NULL;
}
tg_tensor *tg_image_adjust_sharpness(tg_tensor *x, double factor) {
    tg_tensor *all, *soft, *kernel;
    if (!tg_image__is_colour(x)) return NULL;
    if (!(factor >= 0)) return tg_image__fail(x, "adjust_sharpness: the factor is 0 or more");
    if (x->numel == 0 || tg_image__h(x) <= 2 || tg_image__w(x) <= 2) return x;
    all = tg_image__batch(tg_image__float(x));
    if (!all) return NULL;
    kernel = tg_new_full(all, TG_SHAPE(3, 3), 1.0 / 13, all->dtype);
    tg_fill_(tg_image__box(kernel, 1, 1, 1, 1), 5.0 / 13);
    soft = tg_image__conv(all, kernel);
    if (x->dtype == TG_U8) soft = tg_round(soft);
    soft = tg_sub(soft, tg_image__box(all, 1, 1, tg_image__h(x) - 2, tg_image__w(x) - 2));
    return tg_image__unbatch(tg_image__back(tg_image__fused(all, tg_constant_pad_nd(soft, TG_DIMS(1, 1, 1, 1), 0),
        1 - factor, x->dtype == TG_U8), x), x);
}
tg_tensor *tg_image_adjust_gamma(tg_tensor *x, double gamma, double gain) {
    tg_tensor *y;
    if (!tg_image__is(x)) return NULL;
    if (!(gamma >= 0)) return tg_image__fail(x, "adjust_gamma: gamma is 0 or more");
    y = tg_pow_scalar(tg_image_to_dtype(x, x->dtype == TG_U8 ? TG_F32 : x->dtype), gamma);
    if (gain < 1 || gain > 1) y = tg_clamp(tg_mul_scalar(y, gain), 0, 1);
    return tg_image_to_dtype(y, x->dtype);
}
tg_tensor *tg_image_grayscale(tg_tensor *x, int channels) {
    int64_t shape[TG_MAX_DIMS];
    tg_tensor *grey;
    if (!tg_image__is_colour(x)) return NULL;
    if (channels != 1 && channels != 3) return tg_image__fail(x, "grayscale: 1 or 3 channels");
    grey = tg_image__c(x) == 1 ? x : tg_to(tg_image__grey(x), x->dtype);
    return channels == 1 ? grey : tg_expand(grey, tg_image__shape(x, 3, tg_image__h(x), tg_image__w(x), shape), shape);
}
tg_tensor *tg_image_invert(tg_tensor *x) {
    return tg_image__is(x) ? tg_to(tg_add_scalar(tg_neg(tg_image__float(x)), tg_image__white(x)), x->dtype) : NULL;
}
tg_tensor *tg_image_posterize(tg_tensor *x, int bits) {
    double levels;
    if (!tg_image__is(x)) return NULL;
    if (bits < 0 || bits > 8) return tg_image__fail(x, "posterize: 0 to 8 bits");
    levels = (double)(1 << bits);
    if (x->dtype != TG_U8) return tg_mul_scalar(tg_clamp(tg_floor(tg_mul_scalar(x, levels)), 0, levels - 1), 1 / levels);
    return bits == 8 ? x : tg_to(tg_mul_scalar(tg_floor(tg_mul_scalar(tg_to(x, TG_F32), levels / 256)), 256 / levels), TG_U8);
}
tg_tensor *tg_image_solarize(tg_tensor *x, double threshold) {
    if (!tg_image__is(x)) return NULL;
    if (!(threshold <= tg_image__white(x))) return tg_image__fail(x, "solarize: the threshold is at most the largest value, 255 or 1");
    return tg_where(tg_ge_scalar(tg_image__float(x), threshold), tg_image_invert(x), x);
}
/* one channel of n bytes, in place: Pillow's table */
static void tg_image__equalize_plane(unsigned char *p, int64_t n) {
    int64_t count[256] = { 0 }, i, step, sum;
    unsigned char table[256];
    int v, last = 255;
    for (i = 0; i < n; i++) count[p[i]]++;
    while (last > 0 && !count[last]) last--;
    step = (n - count[last]) / 255;
    if (step == 0) return;
    for (v = 0, sum = step / 2; v < 256; v++) {
        const int64_t to = sum / step;
        table[v] = (unsigned char)(to > 255 ? 255 : to);
        sum += count[v];
    }
    table[0] = 0;
    for (i = 0; i < n; i++) p[i] = table[p[i]];
}
tg_tensor *tg_image_equalize(tg_tensor *x) {
    tg_tensor *y;
    unsigned char *p;
    int64_t plane, i;
    if (!tg_image__is(x)) return NULL;
    if (x->numel == 0) return x;
    y = tg_image_to_dtype(x, TG_U8);
    p = y ? (unsigned char *)TG_TRANSFORMS_REALLOC(NULL, (size_t)x->numel) : NULL;
    if (!p) return tg_image__fail_as(x, TG_ERROR_MEMORY, "equalize: out of memory");
    plane = tg_image__h(x) * tg_image__w(x);
    if (tg_read(y, p, (size_t)x->numel)) {
        for (i = 0; i < x->numel; i += plane) tg_image__equalize_plane(p + i, plane);
        y = tg_image__from(x, x->ndim, x->shape, TG_U8, p);
    } else y = NULL;
    TG_TRANSFORMS_FREE(p);
    return tg_image_to_dtype(y, x->dtype);
}
tg_tensor *tg_image_autocontrast(tg_tensor *x) {
    tg_tensor *f, *low, *range, *flat;
    if (!tg_image__is_colour(x)) return NULL;
    if (x->numel == 0) return x;
    f = tg_image__float(x);
    low = tg_amin_dims(f, TG_DIMS(-2, -1), true);
    range = tg_sub(tg_amax_dims(f, TG_DIMS(-2, -1), true), low);
    flat = tg_eq_scalar(range, 0);                                                                  /* one value only: it stays */
    low = tg_masked_fill(low, flat, 0);
    range = tg_masked_fill(tg_mul_scalar(range, 1 / tg_image__white(x)), flat, 1);
    return tg_image__back(tg_div(tg_sub(f, low), range), x);
}
/* [kernel]: exp(-(i - middle)^2 / (2 sigma^2)), of sum 1 */
static tg_tensor *tg_image__gauss(tg_tensor *x, int64_t kernel, double sigma, tg_dtype dtype) {
    const double end = (double)(kernel - 1) / (2 * sqrt(2.0));
    return tg_softmax(tg_neg(tg_square(tg_div_scalar(tg_image__spaced(x, -end, end, kernel, dtype), sigma))), 0);
}
tg_tensor *tg_image_gaussian_blur(tg_tensor *x, int64_t kernel_x, int64_t kernel_y, double sigma_x, double sigma_y) {
    tg_tensor *y, *kernel;
    if (!tg_image__is(x)) return NULL;
    if (kernel_x <= 0 || kernel_y <= 0 || kernel_x % 2 == 0 || kernel_y % 2 == 0)
        return tg_image__fail(x, "gaussian_blur: kernel sizes are odd and positive");
    if (!(sigma_x >= 0) || !(sigma_y >= 0)) return tg_image__fail(x, "gaussian_blur: sigmas are positive, or 0 for the default");
    if (x->numel == 0) return x;
    if (sigma_x <= 0) sigma_x = 0.15 * (double)kernel_x + 0.35;
    if (sigma_y <= 0) sigma_y = 0.15 * (double)kernel_y + 0.35;
    y = tg_image_pad(tg_image__batch(tg_image__float(x)), kernel_x / 2, kernel_y / 2, kernel_x / 2, kernel_y / 2, 0, TG_IMAGE_REFLECT);
    if (!y) return NULL;
    kernel = tg_mul(tg_unsqueeze(tg_image__gauss(x, kernel_y, sigma_y, y->dtype), 1),
        tg_image__gauss(x, kernel_x, sigma_x, y->dtype));
    y = tg_image__conv(y, kernel);
    if (x->dtype == TG_U8) y = tg_clamp(tg_round(y), 0, 255);
    return tg_image__unbatch(tg_to(y, x->dtype), x);
}

/* ---- values ---- */
tg_tensor *tg_image_to_dtype(tg_tensor *x, tg_dtype dtype) {
    if (!tg_image__is(x)) return NULL;
    if (dtype != TG_U8 && !tg_dtype_is_float(dtype)) return tg_image__fail(x, "to_dtype: u8 or a floating type");
    if (x->dtype == dtype) return x;
    if (x->dtype == TG_U8) return tg_mul_scalar(tg_to(x, dtype), 1.0 / 255);                       /* not divided: torch's last bits */
    /* each byte has an equal share of 0 to 1; halves would round white up to 256, which is 0 */
    if (dtype == TG_U8) {
        if (x->dtype == TG_F16 || x->dtype == TG_BF16) x = tg_to(x, TG_F32);
        return tg_to(tg_mul_scalar(x, 255 + 1.0 - 1e-3), TG_U8);
    }
    return tg_to(x, dtype);
}
tg_tensor *tg_image_normalize(tg_tensor *x, const double *mean, const double *std, int n) {
    tg_tensor *m, *s;
    int i;
    if (!tg_image__is(x)) return NULL;
    if (x->dtype == TG_U8) return tg_image__fail(x, "normalize: a floating type is wanted; tg_image_to_dtype first?");
    if (!mean || !std || n < 1 || (n != 1 && n != tg_image__c(x)))
        return tg_image__fail(x, "normalize: one mean and deviation for each channel, or one for all");
    for (i = 0; i < n; i++) if (!(std[i] < 0 || std[i] > 0)) return tg_image__fail(x, "normalize: a deviation is 0");
    m = tg_to(tg_image__from(x, TG_SHAPE(n, 1, 1), TG_F64, mean), x->dtype);
    s = tg_to(tg_image__from(x, TG_SHAPE(n, 1, 1), TG_F64, std), x->dtype);
    return tg_div(tg_sub(x, m), s);
}
tg_tensor *tg_image_erase(tg_tensor *x, int64_t top, int64_t left, int64_t height, int64_t width, tg_tensor *value) {
    tg_tensor *y;
    if (!tg_image__is(x)) return NULL;
    if (top < 0 || left < 0 || height < 0 || width < 0 || top > tg_image__h(x) - height || left > tg_image__w(x) - width)
        return tg_image__fail(x, "erase: the box is not inside of the picture");
    y = tg_clone(x);
    return tg_copy_(tg_image__box(y, top, left, height, width), value) ? y : NULL;
}

/* ---- dice: what tensors and rows have in common ---- */
static double tg_image__between(tg_dice *dice, double low, double high) { return low + (high - low) * tg_dice_roll(dice); }
static bool tg_image__chance(tg_dice *dice, double p) { return tg_dice_roll(dice) < p; }
static double tg_image__or(double v, double otherwise) { return v < 0 || v > 0 ? v : otherwise; }
typedef struct tg_image__area { int64_t top, left, height, width; bool found; } tg_image__area;
/* ten tries for a box of a share of the area and a ratio (width / height), that is not larger than most_h x most_w */
static tg_image__area tg_image__area_of(tg_dice *dice, int64_t h, int64_t w, int64_t most_h, int64_t most_w,
    double s0, double s1, double r0, double r1, bool upright) {
    tg_image__area a = { 0, 0, 0, 0, false };
    int i;
    for (i = 0; i < 10; i++) {
        const double area = (double)h * (double)w * tg_image__between(dice, s0, s1), ratio = exp(tg_image__between(dice, log(r0), log(r1)));
        const double wide = rint(sqrt(area * ratio)), high = rint(sqrt(area / ratio));
        if ((upright ? high : wide) > (double)most_w || (upright ? wide : high) > (double)most_h ||
            (!upright && (wide < 1 || high < 1)))
            continue;
        a.width = (int64_t)(upright ? high : wide); a.height = (int64_t)(upright ? wide : high);
        a.top = tg_dice_below(dice, h - a.height + 1); a.left = tg_dice_below(dice, w - a.width + 1);
        a.found = true;
        return a;
    }
    return a;
}
static tg_image__area tg_image__resized_area(tg_dice *dice, int64_t h, int64_t w, const tg_image_resized_crop_args *o) {
    const bool scale = o && o->scale[1] > 0, ratio = o && o->ratio[1] > 0;
    const double r0 = ratio ? o->ratio[0] : 3.0 / 4, r1 = ratio ? o->ratio[1] : 4.0 / 3;
    tg_image__area a = tg_image__area_of(dice, h, w, h, w, scale ? o->scale[0] : 0.08, scale ? o->scale[1] : 1, r0, r1, false);
    if (a.found) return a;
    /* the middle, of a ratio as near as can be */
    a.width = w; a.height = h;
    if ((double)w < r0 * (double)h) a.height = (int64_t)rint((double)w / r0);
    else if ((double)w > r1 * (double)h) a.width = (int64_t)rint((double)h * r1);
    if (a.height < 1) a.height = 1;
    if (a.width < 1) a.width = 1;
    a.top = (h - a.height) / 2; a.left = (w - a.width) / 2;
    return a;
}
static bool tg_image__good_range(const double v[2]) { return v[0] >= 0 && v[1] >= v[0] && v[1] < 1e18; }
static bool tg_image__good_areas(const double scale[2], const double ratio[2]) {
    return tg_image__good_range(scale) && tg_image__good_range(ratio) && (ratio[1] <= 0 || ratio[0] > 0);
}

/* ---- steps ---- */
static bool tg_image__step_is(tg_tensor *x, const tg_dice *dice, bool options) {
    if (!tg_image__is(x)) return false;
    return (dice && options) || tg_image__fail(x, dice ? "this step needs its options" : "a step needs dice") != NULL;
}
static bool tg_image__steps_are(tg_tensor *x, const tg_dice *dice, const tg_image_steps *s) {
    int i;
    if (!tg_image__step_is(x, dice, s != NULL)) return false;
    if (s->n < 0 || (s->n > 0 && !s->steps)) return tg_image__fail(x, "a list of steps is missing") != NULL;
    for (i = 0; i < s->n; i++) if (!s->steps[i].make) return tg_image__fail(x, "a step has no function") != NULL;
    return true;
}
tg_tensor *tg_image_compose(tg_tensor *x, tg_dice *dice, const void *steps) {
    const tg_image_steps *s = (const tg_image_steps *)steps;
    int i;
    if (!tg_image__steps_are(x, dice, s)) return NULL;
    for (i = 0; x && i < s->n; i++) x = s->steps[i].make(x, dice, s->steps[i].options);
    return x;
}
tg_tensor *tg_image_random_apply(tg_tensor *x, tg_dice *dice, const void *steps) {
    const tg_image_steps *s = (const tg_image_steps *)steps;
    if (!tg_image__steps_are(x, dice, s)) return NULL;
    return tg_image__chance(dice, tg_image__or(s->p, 0.5)) ? tg_image_compose(x, dice, s) : x;
}
tg_tensor *tg_image_random_choice(tg_tensor *x, tg_dice *dice, const void *steps) {
    const tg_image_steps *s = (const tg_image_steps *)steps;
    int64_t i;
    if (!tg_image__steps_are(x, dice, s)) return NULL;
    if (s->n == 0) return tg_image__fail(x, "random_choice: there is no step to choose");
    i = tg_dice_below(dice, s->n);
    return s->steps[i].make(x, dice, s->steps[i].options);
}
tg_tensor *tg_image_each(tg_tensor *x, uint64_t seed, uint64_t step, const int64_t *rows, const tg_image_step *steps, int n) {
    tg_image_steps s;
    tg_tensor **list, *y;
    int64_t i;
    if (!tg_image__is(x)) return NULL;
    if (x->ndim < 4 || x->shape[0] == 0 || x->shape[0] > INT32_MAX)
        return tg_image__fail_as(x, TG_ERROR_SHAPE, "each: a batch of one or more pictures, [N, C, H, W]");
    s.steps = steps; s.n = n; s.p = 0;
    list = (tg_tensor **)TG_TRANSFORMS_REALLOC(NULL, (size_t)x->shape[0] * sizeof *list);
    if (!list) return tg_image__fail_as(x, TG_ERROR_MEMORY, "each: out of memory");
    for (i = 0; i < x->shape[0]; i++) {
        tg_mark m = tg_begin(x->tg);
        tg_dice dice;
        dice.seed = seed; dice.step = step; dice.row = (uint64_t)(rows ? rows[i] : i); dice.rolls = 0;
        list[i] = tg_end_with(x->tg, m, tg_image_compose(tg_select(x, 0, i), &dice, &s));
        if (!list[i]) break;
    }
    y = i == x->shape[0] ? tg_stack(list, (int)i, 0) : NULL;
    TG_TRANSFORMS_FREE(list);
    return y;
}
/* ---- steps that move pixels: first the dice say where to, then all goes there ---- */
typedef bool (*tg_image__draw)(tg_tensor *x, tg_dice *dice, const void *options, tg_image__move *v);
static tg_tensor *tg_image__stepped(tg_tensor *x, tg_dice *dice, const void *options, tg_image__draw draw) {
    tg_image__move v;
    return draw(x, dice, options, &v) ? tg_image__moved(x, &v) : NULL;
}
static bool tg_image__draw_crop(tg_tensor *x, tg_dice *dice, const void *options, tg_image__move *v) {
    const tg_image_crop_args *o = (const tg_image_crop_args *)options;
    int64_t h, w, dh = 0, dw = 0;
    if (!tg_image__step_is(x, dice, o != NULL)) return false;
    if (o->height <= 0 || o->width <= 0) return tg_image__fail(x, "random_crop: height and width are positive") != NULL;
    if (o->padding < 0 || o->padding > INT32_MAX / 4)
        return tg_image__fail(x, "random_crop: the padding is 0 or more, and below 2^29") != NULL;
    tg_image__move_of(v, TG_IMAGE__BOX, x, NULL);
    h = tg_image__h(x) + 2 * o->padding; w = tg_image__w(x) + 2 * o->padding;
    /* on both sides, as torch does */
    if (o->pad_if_needed) { dh = o->height > h ? o->height - h : 0; dw = o->width > w ? o->width - w : 0; }
    h += 2 * dh; w += 2 * dw;
    if (h < o->height || w < o->width)
        return tg_image__fail_as(x, TG_ERROR_SHAPE, "random_crop: the box is larger than the padded picture; pad_if_needed?") != NULL;
    v->pad[0] = v->pad[2] = o->padding + dw; v->pad[1] = v->pad[3] = o->padding + dh;
    v->pad_fill = o->fill; v->border = o->border;
    v->how.fill = o->fills; v->how.n_fill = (int)tg_image__c(x);
    v->top = tg_dice_below(dice, h - o->height + 1); v->left = tg_dice_below(dice, w - o->width + 1);
    v->height = o->height; v->width = o->width;
    return true;
}
static bool tg_image__draw_resized_crop(tg_tensor *x, tg_dice *dice, const void *options, tg_image__move *v) {
    const tg_image_resized_crop_args *o = (const tg_image_resized_crop_args *)options;
    tg_image__area a;
    if (!tg_image__step_is(x, dice, o != NULL)) return false;
    if (o->height <= 0 || o->width <= 0 || !tg_image__good_areas(o->scale, o->ratio))
        return tg_image__fail(x, "random_resized_crop: sizes are positive, ranges go from less to more") != NULL;
    if (tg_image__h(x) == 0 || tg_image__w(x) == 0)
        return tg_image__fail_as(x, TG_ERROR_SHAPE, "random_resized_crop: the picture has no pixels") != NULL;
    a = tg_image__resized_area(dice, tg_image__h(x), tg_image__w(x), o);
    tg_image__move_of(v, TG_IMAGE__BOX, x, NULL);
    v->top = a.top; v->left = a.left; v->height = a.height; v->width = a.width;
    v->resized = true; v->oh = o->height; v->ow = o->width;
    v->how.mode = o->mode; v->antialias = !o->no_antialias;
    return true;
}
static bool tg_image__draw_size(tg_tensor *x, tg_dice *dice, const void *options, tg_image__move *v) {
    const tg_image_size_args *o = (const tg_image_size_args *)options;
    int64_t height, width;
    if (!tg_image__step_is(x, dice, o != NULL)) return false;
    height = o->height; width = o->width;
    if (!tg_image__size(x, &height, &width, o->mode)) return false;
    tg_image__move_of(v, TG_IMAGE__BOX, x, NULL);
    v->height = tg_image__h(x); v->width = tg_image__w(x);
    v->resized = true; v->oh = height; v->ow = width;
    v->how.mode = o->mode; v->antialias = !o->no_antialias;
    return true;
}
/* x is a picture and the dice say that it is to be changed */
static bool tg_image__hit(tg_tensor *x, tg_dice *dice, const void *p, double otherwise) {
    return tg_image__step_is(x, dice, true) && tg_image__chance(dice, p ? *(const double *)p : otherwise);
}
static bool tg_image__draw_flip(tg_tensor *x, tg_dice *dice, const void *p, tg_image__move *v, tg_image__kind kind) {
    if (!tg_image__step_is(x, dice, true)) return false;
    tg_image__move_of(v, tg_image__hit(x, dice, p, 0.5) ? kind : TG_IMAGE__STAYS, x, NULL);
    return true;
}
static bool tg_image__draw_flip_x(tg_tensor *x, tg_dice *dice, const void *p, tg_image__move *v) {
    return tg_image__draw_flip(x, dice, p, v, TG_IMAGE__FLIP_X);
}
static bool tg_image__draw_flip_y(tg_tensor *x, tg_dice *dice, const void *p, tg_image__move *v) {
    return tg_image__draw_flip(x, dice, p, v, TG_IMAGE__FLIP_Y);
}
/* The classes of torchvision have a fill of 0, which is not the same as none. */
static tg_image_warp tg_image__filled(const tg_image_warp *how) {
    tg_image_warp w;
    if (how) w = *how; else memset((void *)&w, 0, sizeof w);
    if (!w.fill) { w.fill = &tg_image__black; w.n_fill = 0; }
    return w;
}
static bool tg_image__draw_affine(tg_tensor *x, tg_dice *dice, const void *options, tg_image__move *v) {
    const tg_image_affine_args *o = (const tg_image_affine_args *)options;
    tg_image_warp how;
    double angle, tx, ty, scale, shear;
    if (!tg_image__step_is(x, dice, o != NULL)) return false;
    if (!tg_image__good_range(o->scale)) return tg_image__fail(x, "random_affine: the scale goes from less to more") != NULL;
    how = tg_image__filled(&o->how);
    angle = tg_image__between(dice, o->degrees[0], o->degrees[1]);
    tx = o->translate[0] * (double)tg_image__w(x); ty = o->translate[1] * (double)tg_image__h(x);
    tx = rint(tg_image__between(dice, -tx, tx)); ty = rint(tg_image__between(dice, -ty, ty));
    scale = o->scale[1] > 0 ? tg_image__between(dice, o->scale[0], o->scale[1]) : 1;
    shear = tg_image__between(dice, o->shear[0], o->shear[1]);
    return tg_image__affine_of(x, v, angle, tx, ty, scale, shear, tg_image__between(dice, o->shear[2], o->shear[3]), &how);
}
static bool tg_image__draw_rotation(tg_tensor *x, tg_dice *dice, const void *options, tg_image__move *v) {
    const tg_image_affine_args *o = (const tg_image_affine_args *)options;
    tg_image_warp how;
    if (!tg_image__step_is(x, dice, o != NULL)) return false;
    how = tg_image__filled(&o->how);
    return tg_image__rotate_of(x, v, tg_image__between(dice, o->degrees[0], o->degrees[1]), &how);
}
static bool tg_image__draw_perspective(tg_tensor *x, tg_dice *dice, const void *options, tg_image__move *v) {
    const tg_image_perspective_args *o = (const tg_image_perspective_args *)options;
    const tg_image_warp how = tg_image__filled(o ? &o->how : NULL);
    const double scale = o ? tg_image__or(o->distortion_scale, 0.5) : 0.5;
    double from[8], to[8];
    int64_t h, w;
    int i;
    if (!tg_image__step_is(x, dice, true)) return false;
    if (!(scale >= 0 && scale <= 1)) return tg_image__fail(x, "random_perspective: the distortion is 0 to 1") != NULL;
    h = tg_image__h(x); w = tg_image__w(x);
    tg_image__move_of(v, TG_IMAGE__STAYS, x, &how);
    if (!tg_image__chance(dice, o ? tg_image__or(o->p, 0.5) : 0.5) || h < 2 || w < 2) return true;
    /* top left, top right, bottom right, bottom left */
    for (i = 0; i < 4; i++) {
        const bool right = i == 1 || i == 2, bottom = i >= 2;
        const int64_t across = (int64_t)(scale * (double)(w / 2)) + 1, down = (int64_t)(scale * (double)(h / 2)) + 1;
        from[2 * i] = right ? (double)(w - 1) : 0; from[2 * i + 1] = bottom ? (double)(h - 1) : 0;
        to[2 * i] = (double)((right ? w - across : 0) + tg_dice_below(dice, across));
        to[2 * i + 1] = (double)((bottom ? h - down : 0) + tg_dice_below(dice, down));
    }
    return tg_image__perspective_of(x, v, from, to, &how);
}
/* -1 to 1 for each pixel, blurred, times alpha: [1, 1, H, W] */
static tg_tensor *tg_image__waves(tg_tensor *x, tg_dice *dice, double sigma, const double sigmas[2], double alpha) {
    tg_tensor *t = tg_image__host(x->tg, TG_SHAPE(1, 1, tg_image__h(x), tg_image__w(x)), TG_F32);
    const int64_t kernel = (int64_t)(8 * sigma + 1) | 1;
    int64_t i;
    for (i = 0; t && i < t->numel; i++) ((float *)t->data)[i] = (float)(tg_dice_roll(dice) * 2 - 1);
    return tg_mul_scalar(tg_image_gaussian_blur(t, kernel, kernel, sigmas[0], sigmas[1]), alpha);
}
static bool tg_image__draw_elastic(tg_tensor *x, tg_dice *dice, const void *options, tg_image__move *v) {
    const tg_image_elastic_args *o = (const tg_image_elastic_args *)options;
    const tg_image_warp how = tg_image__filled(o ? &o->how : NULL);
    double alpha[2], sigma[2];
    tg_tensor *list[2];
    int k;
    if (!tg_image__step_is(x, dice, true)) return false;
    for (k = 0; k < 2; k++) {
        alpha[k] = o ? tg_image__or(o->alpha[k], 50) : 50; sigma[k] = o ? tg_image__or(o->sigma[k], 5) : 5;
        if (!(alpha[k] >= 0 && alpha[k] < 1e9 && sigma[k] > 0 && sigma[k] < 1e6))
            return tg_image__fail(x, "random_elastic: alpha and sigma are positive") != NULL;
        if (4 * sigma[k] + 1 > (double)tg_image__h(x) || 4 * sigma[k] + 1 > (double)tg_image__w(x))
            return tg_image__fail_as(x, TG_ERROR_SHAPE, "random_elastic: the blur of sigma reaches beyond so small a picture") != NULL;
    }
    tg_image__move_of(v, TG_IMAGE__ELASTIC, x, &how);
    for (k = 0; k < 2; k++) list[k] = tg_image__waves(x, dice, sigma[k], sigma, alpha[k] / (double)(k ? tg_image__w(x) : tg_image__h(x)));
    v->displacement = tg_failed(x->tg) ? NULL : tg_permute(tg_cat(list, 2, 1), TG_DIMS(0, 2, 3, 1));
    return v->displacement != NULL;
}
static bool tg_image__draw_zoom_out(tg_tensor *x, tg_dice *dice, const void *options, tg_image__move *v) {
    const tg_image_zoom_args *o = (const tg_image_zoom_args *)options;
    const double low = o && o->side[1] > 0 ? o->side[0] : 1, high = o && o->side[1] > 0 ? o->side[1] : 4;
    double r;
    int64_t h, w;
    if (!tg_image__step_is(x, dice, true)) return false;
    if (!(low >= 1 && high >= low && high < 1000)) return tg_image__fail(x, "random_zoom_out: sides are 1 and more") != NULL;
    tg_image__move_of(v, TG_IMAGE__STAYS, x, NULL);
    if (!tg_image__chance(dice, o ? tg_image__or(o->p, 0.5) : 0.5)) return true;
    h = tg_image__h(x); w = tg_image__w(x);
    r = tg_image__between(dice, low, high);
    v->kind = TG_IMAGE__BOX;
    v->height = (int64_t)((double)h * r); v->width = (int64_t)((double)w * r);
    v->pad[0] = (int64_t)((double)(v->width - w) * tg_dice_roll(dice)); v->pad[1] = (int64_t)((double)(v->height - h) * tg_dice_roll(dice));
    v->pad[2] = v->width - w - v->pad[0]; v->pad[3] = v->height - h - v->pad[1];
    if (o) { v->how.fill = o->fills; v->how.n_fill = (int)tg_image__c(x); }
    return true;
}
#define TG_IMAGE__MOVES(M) \
    M(tg_image_random_crop, tg_image__draw_crop) M(tg_image_random_resized_crop, tg_image__draw_resized_crop) M(tg_image_to_size, tg_image__draw_size) \
    M(tg_image_random_horizontal_flip, tg_image__draw_flip_x) M(tg_image_random_vertical_flip, tg_image__draw_flip_y) M(tg_image_random_affine, tg_image__draw_affine) \
    M(tg_image_random_rotation, tg_image__draw_rotation) M(tg_image_random_perspective, tg_image__draw_perspective) M(tg_image_random_elastic, tg_image__draw_elastic) \
    M(tg_image_random_zoom_out, tg_image__draw_zoom_out)
#define TG_IMAGE__STEP(name, draw) tg_tensor *name(tg_tensor *x, tg_dice *dice, const void *options) { return tg_image__stepped(x, dice, options, draw); }
TG_IMAGE__MOVES(TG_IMAGE__STEP)
#undef TG_IMAGE__STEP

tg_tensor *tg_image_random_iou_crop(tg_tensor *x, tg_dice *dice, const void *options) {
    (void)options; return tg_image__step_is(x, dice, true) ? x : NULL;
}

/* ---- steps that change values ---- */
static tg_tensor *tg_image__same(tg_tensor *x) { return x && !tg_failed(x->tg) ? x : NULL; }
#define TG_IMAGE__MAYBE(name, function, otherwise) \
    tg_tensor *tg_image_random_##name(tg_tensor *x, tg_dice *dice, const void *p) { return tg_image__hit(x, dice, p, otherwise) ? function(x) : tg_image__same(x); }
TG_IMAGE__MAYBE(invert, tg_image_invert, 0.5)
TG_IMAGE__MAYBE(equalize, tg_image_equalize, 0.5)
TG_IMAGE__MAYBE(autocontrast, tg_image_autocontrast, 0.5)
#undef TG_IMAGE__MAYBE
tg_tensor *tg_image_random_grayscale(tg_tensor *x, tg_dice *dice, const void *p) {
    const bool hit = tg_image__hit(x, dice, p, 0.1);
    if (!tg_image__is_colour(x)) return NULL;                       /* whatever the dice say */
    return hit ? tg_image_grayscale(x, (int)tg_image__c(x)) : tg_image__same(x);
}
tg_tensor *tg_image_color_jitter(tg_tensor *x, tg_dice *dice, const void *options) {
    const tg_image_jitter_args *o = (const tg_image_jitter_args *)options;
    int order[4] = { 0, 1, 2, 3 }, i;
    double v[4], by[4];
    if (!tg_image__step_is(x, dice, true) || !o) return tg_image__same(x);
    v[0] = o->brightness; v[1] = o->contrast; v[2] = o->saturation; v[3] = o->hue;
    if (!(v[0] >= 0 && v[1] >= 0 && v[2] >= 0 && v[3] >= 0 && v[3] <= 0.5))
        return tg_image__fail(x, "color_jitter: the numbers are 0 or more, hue at most 0.5");
    for (i = 3; i > 0; i--) { const int k = (int)tg_dice_below(dice, i + 1), t = order[i]; order[i] = order[k]; order[k] = t; }
    for (i = 0; i < 3; i++) by[i] = tg_image__between(dice, v[i] < 1 ? 1 - v[i] : 0, 1 + v[i]);
    by[3] = tg_image__between(dice, -v[3], v[3]);
    for (i = 0; x && i < 4; i++) {
        const int k = order[i];
        if (v[k] <= 0) continue;
        x = k == 0 ? tg_image_adjust_brightness(x, by[0]) : k == 1 ? tg_image_adjust_contrast(x, by[1]) : k == 2
            ? tg_image_adjust_saturation(x, by[2]) : tg_image_adjust_hue(x, by[3]);
    }
    return x;
}
tg_tensor *tg_image_random_blur(tg_tensor *x, tg_dice *dice, const void *options) {
    const tg_image_blur_args *o = (const tg_image_blur_args *)options;
    double sigma;
    if (!tg_image__step_is(x, dice, o != NULL)) return NULL;
    if (!tg_image__good_range(o->sigma)) return tg_image__fail(x, "random_blur: sigma goes from less to more");
    sigma = o->sigma[1] > 0 ? tg_image__between(dice, o->sigma[0], o->sigma[1]) : tg_image__between(dice, 0.1, 2);
    return tg_image_gaussian_blur(x, o->kernel_x, o->kernel_y, sigma, sigma);
}
static bool tg_image__erased_area(tg_dice *dice, int64_t h, int64_t w, const tg_image_erasing_args *o, tg_image__area *a) {
    const bool scale = o && o->scale[1] > 0, ratio = o && o->ratio[1] > 0;
    if (!tg_image__chance(dice, o ? tg_image__or(o->p, 0.5) : 0.5)) return false;
    *a = tg_image__area_of(dice, h, w, h - 1, w - 1, scale ? o->scale[0] : 0.02, scale ? o->scale[1] : 0.33,
        ratio ? o->ratio[0] : 0.3, ratio ? o->ratio[1] : 3.3, true);
    return a->found;
}
tg_tensor *tg_image_random_erasing(tg_tensor *x, tg_dice *dice, const void *options) {
    const tg_image_erasing_args *o = (const tg_image_erasing_args *)options;
    tg_image__area a;
    if (!tg_image__step_is(x, dice, true)) return NULL;
    if (o && !tg_image__good_areas(o->scale, o->ratio)) return tg_image__fail(x, "random_erasing: ranges go from less to more");
    if (!tg_image__erased_area(dice, tg_image__h(x), tg_image__w(x), o, &a)) return x;
    return tg_image_erase(x, a.top, a.left, a.height, a.width, tg_new_full(x, 0, NULL, o ? o->value : 0, TG_F64));
}

/* ---- policies ---- */
tg_tensor *tg_image_augment(tg_tensor *x, tg_image_op op, double magnitude, const tg_image_warp *how) {
    static const double corner[2] = { 0, 0 };
    const double slope = atan(magnitude) * 180 / 3.14159265358979323846;
    tg_image_warp about;
    if (how) about = *how; else memset((void *)&about, 0, sizeof about);
    about.expand = false; about.center = corner;
    switch (op) {
    case TG_IMAGE_IDENTITY:     return tg_image__is(x) ? x : NULL;
    case TG_IMAGE_SHEAR_X:      return tg_image_affine(x, 0, 0, 0, 1, slope, 0, &about);
    case TG_IMAGE_SHEAR_Y:      return tg_image_affine(x, 0, 0, 0, 1, 0, slope, &about);
    case TG_IMAGE_TRANSLATE_X:  return tg_image_affine(x, 0, trunc(magnitude), 0, 1, 0, 0, how);
    case TG_IMAGE_TRANSLATE_Y:  return tg_image_affine(x, 0, 0, trunc(magnitude), 1, 0, 0, how);
    case TG_IMAGE_ROTATE:       about.center = how ? how->center : NULL; return tg_image_rotate(x, magnitude, &about);
    case TG_IMAGE_BRIGHTNESS:   return tg_image_adjust_brightness(x, 1 + magnitude);
    case TG_IMAGE_COLOR:        return tg_image_adjust_saturation(x, 1 + magnitude);
    case TG_IMAGE_CONTRAST:     return tg_image_adjust_contrast(x, 1 + magnitude);
    case TG_IMAGE_SHARPNESS:    return tg_image_adjust_sharpness(x, 1 + magnitude);
    case TG_IMAGE_POSTERIZE:    return tg_image_posterize(x, magnitude >= 0 && magnitude <= 8 ? (int)magnitude : -1);
    case TG_IMAGE_SOLARIZE:     return tg_image__is(x) ? tg_image_solarize(x, tg_image__white(x) * magnitude) : NULL;
    case TG_IMAGE_AUTOCONTRAST: return tg_image_autocontrast(x);
    case TG_IMAGE_EQUALIZE:     return tg_image_equalize(x);
    case TG_IMAGE_INVERT:       return tg_image_invert(x);
    default:                    return tg_image__is(x) ? tg_image__fail(x, "augment: an operation is one of tg_image_op") : NULL;
    }
}
/* bin i of so many; what can go either way gets its sign from the dice */
static double tg_image__magnitude(tg_tensor *x, tg_dice *dice, tg_image_op op, int i, int bins, bool wide) {
    const double t = bins > 1 ? (double)i / (double)(bins - 1) : 0;
    double v;
    if (op == TG_IMAGE_POSTERIZE) return 8 - rint(t * (wide ? 6 : 4));
    if (op == TG_IMAGE_SOLARIZE) return 1 - t;
    if (op == TG_IMAGE_IDENTITY || op > TG_IMAGE_SHARPNESS) return 0;
    if (op <= TG_IMAGE_SHEAR_Y) v = wide ? 0.99 : 0.3;
    else if (op <= TG_IMAGE_TRANSLATE_Y)
        v = wide ? 32 : 150.0 / 331 * (double)(op == TG_IMAGE_TRANSLATE_X ? tg_image__w(x) : tg_image__h(x));
    else if (op == TG_IMAGE_ROTATE) v = wide ? 135 : 30;
    else v = wide ? 0.99 : 0.9;
    return tg_dice_roll(dice) <= 0.5 ? -v * t : v * t;
}
static bool tg_image__augment_is(tg_tensor *x, const tg_dice *dice, const tg_image_augment_args *o, tg_image_augment_args *is) {
    if (!tg_image__step_is(x, dice, true)) return false;
    if (o) *is = *o; else memset((void *)is, 0, sizeof *is);
    if (!is->num_ops) is->num_ops = 2;
    if (!is->magnitude) is->magnitude = 9;
    if (!is->bins) is->bins = 31;
    return (is->num_ops > 0 && is->magnitude > 0 && is->bins > 0 && (int)is->policy >= 0 && (int)is->policy <= (int)TG_IMAGE_SVHN)
        || tg_image__fail(x, "augment: numbers are positive, the policy one of TG_IMAGE_IMAGENET ...") != NULL;
}
tg_tensor *tg_image_rand_augment(tg_tensor *x, tg_dice *dice, const void *options) {
    tg_image_augment_args o;
    int i;
    if (!tg_image__augment_is(x, dice, (const tg_image_augment_args *)options, &o)) return NULL;
    if (o.magnitude >= o.bins) return tg_image__fail(x, "rand_augment: the magnitude is below the number of bins");
    for (i = 0; x && i < o.num_ops; i++) {
        const tg_image_op op = (tg_image_op)tg_dice_below(dice, TG_IMAGE_INVERT);
        x = tg_image_augment(x, op, tg_image__magnitude(x, dice, op, o.magnitude, o.bins, false), &o.how);
    }
    return x;
}
tg_tensor *tg_image_trivial_augment(tg_tensor *x, tg_dice *dice, const void *options) {
    tg_image_augment_args o;
    tg_image_op op;
    int bin;
    if (!tg_image__augment_is(x, dice, (const tg_image_augment_args *)options, &o)) return NULL;
    op = (tg_image_op)tg_dice_below(dice, TG_IMAGE_INVERT);
    bin = (int)tg_dice_below(dice, o.bins);
    return tg_image_augment(x, op, tg_image__magnitude(x, dice, op, bin, o.bins, true), &o.how);
}
/* the policies of the paper (Cubuk and others 2019): twice an operation, tenths of its probability, and its bin of 10 */
static const unsigned char tg_image__policies[3][25][6] = {
    { { 10, 4, 8, 5, 6, 9 }, { 11, 6, 5, 12, 6, 0 }, { 13, 8, 0, 13, 6, 0 }, { 10, 6, 7, 10, 6, 6 },
    { 13, 4, 0, 11, 2, 4 }, { 13, 4, 0, 5, 8, 8 }, { 11, 6, 3, 13, 6, 0 },
      { 10, 8, 5, 13, 10, 0 }, { 5, 2, 3, 11, 6, 8 }, { 13, 6, 0, 10, 4, 6 }, { 5, 8, 8, 7, 4, 0 },
      { 5, 4, 9, 13, 6, 0 }, { 13, 0, 0, 13, 8, 0 }, { 14, 6, 0, 13, 10, 0 },
      { 7, 6, 4, 8, 10, 8 }, { 5, 8, 8, 7, 10, 2 }, { 7, 8, 8, 11, 8, 7 }, { 9, 4, 7, 14, 6, 0 },
      { 1, 6, 5, 13, 10, 0 }, { 7, 4, 0, 13, 6, 0 }, { 13, 4, 0, 11, 2, 4 },
      { 11, 6, 5, 12, 6, 0 }, { 14, 6, 0, 13, 10, 0 }, { 7, 6, 4, 8, 10, 8 }, { 13, 8, 0, 13, 6, 0 } },
    { { 14, 1, 0, 8, 2, 6 }, { 5, 7, 2, 3, 3, 9 }, { 9, 8, 1, 9, 9, 3 }, { 2, 5, 8, 4, 7, 9 }, { 12, 5, 0, 13, 9, 0 },
    { 2, 2, 7, 10, 3, 7 }, { 7, 4, 3, 6, 6, 7 },
      { 9, 3, 9, 6, 7, 9 }, { 13, 6, 0, 13, 5, 0 }, { 8, 6, 7, 9, 6, 5 }, { 7, 7, 7, 3, 5, 8 },
      { 13, 3, 0, 12, 4, 0 }, { 4, 4, 3, 9, 2, 6 }, { 6, 9, 6, 7, 2, 8 },
      { 11, 5, 2, 14, 0, 0 }, { 13, 2, 0, 12, 6, 0 }, { 13, 2, 0, 13, 6, 0 }, { 7, 9, 9, 13, 6, 0 },
      { 12, 8, 0, 11, 2, 8 }, { 6, 1, 3, 7, 7, 0 }, { 11, 4, 5, 12, 9, 0 },
      { 4, 9, 9, 4, 7, 9 }, { 12, 9, 0, 11, 8, 3 }, { 13, 8, 0, 14, 1, 0 }, { 4, 7, 9, 12, 9, 0 } },
    { { 1, 9, 4, 14, 2, 0 }, { 2, 9, 8, 14, 7, 0 }, { 13, 6, 0, 11, 6, 6 }, { 14, 9, 0, 13, 6, 0 },
    { 13, 6, 0, 5, 9, 3 }, { 1, 9, 4, 12, 8, 0 }, { 2, 9, 8, 14, 4, 0 },
      { 2, 9, 5, 11, 2, 6 }, { 14, 9, 0, 12, 8, 0 }, { 13, 6, 0, 5, 9, 3 }, { 1, 9, 4, 11, 3, 3 },
      { 2, 8, 8, 14, 7, 0 }, { 13, 9, 0, 4, 6, 6 }, { 14, 9, 0, 13, 6, 0 },
      { 8, 3, 3, 5, 8, 4 }, { 14, 8, 0, 4, 0, 2 }, { 2, 7, 6, 11, 4, 8 }, { 14, 6, 0, 5, 8, 4 }, { 2, 3, 7, 3, 9, 3 },
      { 1, 1, 6, 14, 6, 0 }, { 11, 7, 2, 4, 6, 7 },
      { 2, 8, 4, 14, 8, 0 }, { 1, 7, 9, 4, 8, 3 }, { 2, 8, 5, 12, 7, 0 }, { 1, 7, 2, 14, 1, 0 } }
};
tg_tensor *tg_image_auto_augment(tg_tensor *x, tg_dice *dice, const void *options) {
    tg_image_augment_args o;
    const unsigned char *row;
    int i;
    if (!tg_image__augment_is(x, dice, (const tg_image_augment_args *)options, &o)) return NULL;
    row = tg_image__policies[o.policy][tg_dice_below(dice, 25)];
    for (i = 0; x && i < 2; i++, row += 3)
        if (tg_image__chance(dice, row[1] / 10.0))
            x = tg_image_augment(x, (tg_image_op)row[0], tg_image__magnitude(x, dice, (tg_image_op)row[0], row[2], 10, false), &o.how);
    return x;
}

/* ---- a picture with its boxes and its mask ---- */
/* where (x, y, 1) goes, as a matrix whose last number is 1, for places counted from the upper left corner */
static bool tg_image__forward(const tg_image__move *v, int64_t h, int64_t w, double f[9], double *oh, double *ow) {
    static const double stays[9] = { 1, 0, 0, 0, 1, 0, 0, 0, 1 };
    const double hh = (double)h, ww = (double)w;
    double g[9], whole;
    int i;
    memcpy(f, stays, sizeof stays);
    *oh = (double)v->oh; *ow = (double)v->ow;
    switch (v->kind) {
    case TG_IMAGE__FLIP_X: f[0] = -1; f[2] = ww; return true;
    case TG_IMAGE__FLIP_Y: f[4] = -1; f[5] = hh; return true;
    case TG_IMAGE__TURN:
        if (v->quarters == 2) { f[0] = f[4] = -1; f[2] = ww; f[5] = hh; return true; }
        f[0] = f[4] = 0;
        f[1] = v->quarters == 1 ? 1 : -1; f[2] = v->quarters == 1 ? 0 : hh;
        f[3] = -f[1];                     f[5] = v->quarters == 1 ? ww : 0;
        return true;
    case TG_IMAGE__BOX:
        if (!v->resized) { *oh = (double)v->height; *ow = (double)v->width; }
        f[0] = *ow / (double)v->width;  f[2] = (double)(v->pad[0] - v->left) * f[0];
        f[4] = *oh / (double)v->height; f[5] = (double)(v->pad[1] - v->top) * f[4];
        return true;
    case TG_IMAGE__AFFINE: case TG_IMAGE__PERSPECTIVE: break;
    default: return true;
    }
    memcpy(g, v->m, sizeof g);
    if (v->kind == TG_IMAGE__AFFINE) {                                                              /* from the middles */
        g[2] += 0.5 * ww - 0.5 * (g[0] * *ow + g[1] * *oh);
        g[5] += 0.5 * hh - 0.5 * (g[3] * *ow + g[4] * *oh);
    }
    for (i = 0; i < 9; i++) {                                                                       /* the inverse, but for a factor */
        const int r = i % 3, c = i / 3, r1 = (r + 1) % 3, r2 = (r + 2) % 3, c1 = (c + 1) % 3, c2 = (c + 2) % 3;
        f[i] = g[3 * r1 + c1] * g[3 * r2 + c2] - g[3 * r1 + c2] * g[3 * r2 + c1];
    }
    whole = f[8];
    for (i = 0; i < 9; i++) f[i] /= whole;
    return tg_image__is_number(1 / whole);
}
static tg_tensor *tg_image__columns(tg_tensor *boxes, int64_t a, int64_t b, int64_t c, int64_t d) {
    int64_t at[4];
    at[0] = a; at[1] = b; at[2] = c; at[3] = d;
    return boxes ? tg_index_select(boxes, 1, tg_image__from(boxes, TG_SHAPE(4), TG_I64, at)) : NULL;
}
/* the box around four corners [N, 4] each, cut at the edges */
static tg_tensor *tg_image__around(tg_tensor *x, tg_tensor *y, double oh, double ow) {
    tg_tensor *list[4];
    list[0] = tg_clamp(tg_amin_dims(x, TG_DIMS(1), false), 0, ow); list[1] = tg_clamp(tg_amin_dims(y, TG_DIMS(1), false), 0, oh);
    list[2] = tg_clamp(tg_amax_dims(x, TG_DIMS(1), false), 0, ow); list[3] = tg_clamp(tg_amax_dims(y, TG_DIMS(1), false), 0, oh);
    return x && y && !tg_failed(x->tg) ? tg_stack(list, 4, 1) : NULL;
}
static tg_tensor *tg_image__line(tg_tensor *x, tg_tensor *y, const double *m) {
    return tg_add_scalar(tg_add(tg_mul_scalar(x, m[0]), tg_mul_scalar(y, m[1])), m[2]);
}
/* Corners go to where the pixel came from whose place they would be taken for: near enough, as torch does it. */
static tg_tensor *tg_image__elastic_boxes(const tg_image__move *v, tg_tensor *boxes, tg_tensor *x, tg_tensor *y) {
    const double h = (double)v->oh, w = (double)v->ow;
    tg_tensor *grid = tg_image__elastic_grid(boxes, v, v->oh, v->ow, boxes->dtype == TG_F64 ? TG_F64 : TG_F32, -1);
    tg_tensor *at = tg_to(tg_add(tg_mul_scalar(tg_clamp(tg_ceil(tg_to(y, TG_F32)), 0, h - 1), w),
        tg_clamp(tg_ceil(tg_to(x, TG_F32)), 0, w - 1)), TG_I64);
    if (!grid || !at) return NULL;
    x = tg_to(tg_take(tg_contiguous(tg_select(grid, -1, 0)), at), boxes->dtype);
    y = tg_to(tg_take(tg_contiguous(tg_select(grid, -1, 1)), at), boxes->dtype);
    return tg_image__around(tg_sub_scalar(tg_mul_scalar(tg_add_scalar(x, 1), 0.5 * w), 0.5),
        tg_sub_scalar(tg_mul_scalar(tg_add_scalar(y, 1), 0.5 * h), 0.5), h, w);
}
static tg_tensor *tg_image__moved_boxes(tg_tensor *boxes, const tg_image__move *v, int64_t h, int64_t w) {
    tg_tensor *x, *y, *under;
    double f[9], oh, ow;
    if (v->kind == TG_IMAGE__STAYS) return boxes;
    x = tg_image__columns(boxes, 0, 2, 2, 0); y = tg_image__columns(boxes, 1, 1, 3, 3);
    if (!x || !y) return NULL;
    if (v->kind == TG_IMAGE__ELASTIC) return tg_image__elastic_boxes(v, boxes, x, y);
    if (!tg_image__forward(v, h, w, f, &oh, &ow)) return tg_image__fail(boxes, "boxes cannot follow into a line");
    if (v->kind != TG_IMAGE__PERSPECTIVE) return tg_image__around(tg_image__line(x, y, f), tg_image__line(x, y, f + 3), oh, ow);
    under = tg_image__line(x, y, f + 6);
    return tg_image__around(tg_div(tg_image__line(x, y, f), under), tg_div(tg_image__line(x, y, f + 3), under), oh, ow);
}
static tg_tensor *tg_image__moved_mask(tg_tensor *mask, const tg_image__move *v) {
    tg_image__move nearest = *v;
    tg_tensor *m = mask->ndim == 2 ? tg_unsqueeze(mask, 0) : mask;
    if (v->kind == TG_IMAGE__STAYS) return mask;
    nearest.how.mode = TG_IMAGE_NEAREST; nearest.how.fill = &tg_image__black; nearest.how.n_fill = 0;
    nearest.pad_fill = 0; nearest.antialias = false;
    m = tg_image__moved(mask->dtype == TG_U8 ? m : tg_to(m, TG_F32), &nearest);
    m = mask->ndim == 2 ? tg_squeeze(m, 0) : m;
    return tg_to(m, mask->dtype);
}
static bool tg_image__move_all(tg_image_sample *s, const tg_image__move *v) {
    const int64_t h = tg_image__h(s->image), w = tg_image__w(s->image);
    if (s->boxes) s->boxes = tg_image__moved_boxes(s->boxes, v, h, w);
    if (s->mask && !tg_failed(s->image->tg)) s->mask = tg_image__moved_mask(s->mask, v);
    s->image = tg_image__moved(s->image, v);
    return s->image != NULL;
}
/* The middle of the box lies in the piece, and by how much the two overlap. */
static bool tg_image__holds(const tg_image__move *v, const double *b, double *share) {
    const double x0 = (double)v->left, y0 = (double)v->top, x1 = x0 + (double)v->width, y1 = y0 + (double)v->height,
        cx = 0.5 * (b[0] + b[2]), cy = 0.5 * (b[1] + b[3]);
    const double w = (b[2] < x1 ? b[2] : x1) - (b[0] > x0 ? b[0] : x0),
        h = (b[3] < y1 ? b[3] : y1) - (b[1] > y0 ? b[1] : y0), both = w > 0 && h > 0 ? w * h : 0;
    *share = both / ((b[2] - b[0]) * (b[3] - b[1]) + (x1 - x0) * (y1 - y0) - both);
    return cx > x0 && cx < x1 && cy > y0 && cy < y1;
}
/* Tries pieces until one holds a box well enough; false: none did. */
static bool tg_image__iou_piece(tg_dice *dice, const tg_image_iou_args *o, const double *boxes, int64_t n,
    double least, int64_t h, int64_t w, tg_image__move *v) {
    const bool scale = o && o->scale[1] > 0, ratio = o && o->ratio[1] > 0;
    const double s0 = scale ? o->scale[0] : 0.3, s1 = scale ? o->scale[1] : 1, r0 = ratio ? o->ratio[0] : 0.5, r1 = ratio ? o->ratio[1] : 2;
    int trials = o && o->trials > 0 ? o->trials : 40;
    for (; trials > 0; trials--) {
        double best = -1, share;
        int64_t i;
        v->width = (int64_t)((double)w * tg_image__between(dice, s0, s1));
        v->height = (int64_t)((double)h * tg_image__between(dice, s0, s1));
        if (v->width < 1 || v->height < 1 || v->width > w || v->height > h) continue;
        if ((double)v->width < r0 * (double)v->height || (double)v->width > r1 * (double)v->height) continue;
        v->left = (int64_t)((double)(w - v->width) * tg_dice_roll(dice)); v->top = (int64_t)((double)(h - v->height) * tg_dice_roll(dice));
        for (i = 0; i < n; i++) if (tg_image__holds(v, boxes + 4 * i, &share) && share > best) best = share;
        if (best >= least) return true;
    }
    return false;
}
static bool tg_image__iou_crop(tg_image_sample *s, tg_dice *dice, const tg_image_iou_args *o) {
    static const double options[7] = { 0, 0.1, 0.3, 0.5, 0.7, 0.9, 1 };
    const int64_t h = tg_image__h(s->image), w = tg_image__w(s->image), n = s->boxes ? s->boxes->shape[0] : 0;
    tg_tensor *numbers;
    tg_image__move v;
    double least, share, *boxes;
    int64_t i;
    bool ok, cut = false;
    if (!tg_image__step_is(s->image, dice, true)) return false;
    if (o && (!tg_image__good_range(o->scale) || o->scale[1] > 1 || !tg_image__good_range(o->ratio)))
        return tg_image__fail(s->image, "random_iou_crop: ranges go from less to more, scales to 1") != NULL;
    if (n == 0) return true;
    boxes = (double *)TG_TRANSFORMS_REALLOC(NULL, (size_t)n * 4 * sizeof *boxes);
    if (!boxes) return tg_image__fail_as(s->image, TG_ERROR_MEMORY, "random_iou_crop: out of memory") != NULL;
    numbers = tg_to(s->boxes, TG_F64);
    ok = numbers && tg_read(numbers, boxes, (size_t)n * 4 * sizeof *boxes);
    tg_image__move_of(&v, TG_IMAGE__BOX, s->image, NULL);
    while (ok && !cut && (least = options[tg_dice_below(dice, 7)]) < 1)                             /* 1: the picture stays */
        cut = tg_image__iou_piece(dice, o, boxes, n, least, h, w, &v);
    if (cut) {
        /* of no size, beside every piece */
        for (i = 0; i < n; i++)
            if (!tg_image__holds(&v, boxes + 4 * i, &share)) boxes[4 * i] = boxes[4 * i + 1] = boxes[4 * i + 2] = boxes[4 * i + 3] = -1;
        s->boxes = tg_to(tg_image__from(s->image, TG_SHAPE(n, 4), TG_F64, boxes), s->boxes->dtype);
        ok = s->boxes && tg_image__move_all(s, &v);
    }
    TG_TRANSFORMS_FREE(boxes);
    return ok;
}
static bool tg_image__with(tg_image_sample *s, tg_dice *dice, const tg_image_step *step) {
    static const struct tg_image__pair { tg_image_fn make; tg_image__draw draw; } moves[] = {
#define TG_IMAGE__ROW(name, draw) { name, draw },
        TG_IMAGE__MOVES(TG_IMAGE__ROW)
#undef TG_IMAGE__ROW
    };
    const bool all = step->make == tg_image_compose, maybe = step->make == tg_image_random_apply,
        one = step->make == tg_image_random_choice;
    size_t i;
    for (i = 0; i < sizeof moves / sizeof *moves; i++)
        if (step->make == moves[i].make) {
            tg_image__move v;
            return moves[i].draw(s->image, dice, step->options, &v) && tg_image__move_all(s, &v);
        }
    if (step->make == tg_image_random_iou_crop) return tg_image__iou_crop(s, dice, (const tg_image_iou_args *)step->options);
    if (all || maybe || one) {
        const tg_image_steps *list = (const tg_image_steps *)step->options;
        int k;
        if (!tg_image__steps_are(s->image, dice, list)) return false;
        if (one && list->n == 0) return tg_image__fail(s->image, "random_choice: there is no step to choose") != NULL;
        if (one) return tg_image__with(s, dice, &list->steps[tg_dice_below(dice, list->n)]);
        if (maybe && !tg_image__chance(dice, tg_image__or(list->p, 0.5))) return true;
        for (k = 0; k < list->n; k++) if (!tg_image__with(s, dice, &list->steps[k])) return false;
        return true;
    }
    s->image = step->make(s->image, dice, step->options);
    return s->image != NULL;
}
bool tg_image_with(tg_image_sample *s, tg_dice *dice, const tg_image_step *steps, int n) {
    tg_image_sample now;
    tg_image_steps list;
    tg_image_step all;
    if (!s || !tg_image__is(s->image)) return false;
    if (s->boxes && (s->boxes->ndim != 2 || s->boxes->shape[1] != 4 || !tg_dtype_is_float(s->boxes->dtype)))
        return tg_image__fail_as(s->image, TG_ERROR_SHAPE, "with: boxes are [N, 4], of a floating type") != NULL;
    if (s->mask && (s->mask->ndim < 2 || tg_image__h(s->image) != s->mask->shape[s->mask->ndim - 2] ||
        tg_image__w(s->image) != s->mask->shape[s->mask->ndim - 1]))
        return tg_image__fail_as(s->image, TG_ERROR_SHAPE, "with: the mask is as large as the picture") != NULL;
    now = *s;
    list.steps = steps; list.n = n; list.p = 0;
    all.make = tg_image_compose; all.options = &list;
    if (!tg_image__with(&now, dice, &all) || tg_failed(s->image->tg)) return false;
    *s = now;
    return true;
}
bool tg_image_each_with(tg_image_sample *batch, uint64_t seed, uint64_t step, const int64_t *rows, const tg_image_step *steps, int n) {
    tg_tensor *x = batch ? batch->image : NULL, *mask = batch ? batch->mask : NULL, **list, *y = NULL, *z = NULL;
    int64_t i, k, size;
    bool ok = true;
    if (!tg_image__is(x)) return false;
    if (x->ndim < 4 || x->shape[0] == 0 || x->shape[0] > INT32_MAX / 2 || (mask && (mask->ndim < 3 || mask->shape[0] != x->shape[0])))
        return tg_image__fail_as(x, TG_ERROR_SHAPE,
            "each_with: a batch of one or more pictures, [N, C, H, W], and as many masks, [N, H, W]") != NULL;
    if (batch->boxes) return tg_image__fail_as(x, TG_ERROR_VALUE, "each_with: boxes go with one picture, by tg_image_with") != NULL;
    size = x->shape[0];
    list = (tg_tensor **)TG_TRANSFORMS_REALLOC(NULL, 2 * (size_t)size * sizeof *list);
    if (!list) return tg_image__fail_as(x, TG_ERROR_MEMORY, "each_with: out of memory") != NULL;
    for (i = 0; ok && i < size; i++) {
        const tg_mark m = tg_begin(x->tg);
        tg_image_sample s;
        tg_dice dice;
        dice.seed = seed; dice.step = step; dice.row = (uint64_t)(rows ? rows[i] : i); dice.rolls = 0;
        s.image = tg_select(x, 0, i); s.boxes = NULL; s.mask = mask ? tg_select(mask, 0, i) : NULL;
        ok = tg_image_with(&s, &dice, steps, n);
        list[i] = ok ? tg_keep(s.image) : NULL; list[size + i] = ok && mask ? tg_keep(s.mask) : NULL;
        tg_end(x->tg, m);
    }
    if (ok) { y = tg_stack(list, (int)size, 0); z = mask ? tg_stack(list + size, (int)size, 0) : NULL; }
    for (k = 0; k < i; k++) { tg_drop(list[k]); tg_drop(list[size + k]); }
    TG_TRANSFORMS_FREE(list);
    if (!y || (mask && !z)) return false;
    batch->image = y; batch->mask = z;
    return true;
}
tg_tensor *tg_image_boxes_left(tg_tensor *boxes, double least) {
    tg_tensor *size;
    if (!boxes || boxes->ndim != 2 || boxes->shape[1] != 4) return tg_image__fail_as(boxes, TG_ERROR_SHAPE, "boxes_left: boxes are [N, 4]");
    size = tg_sub(tg_narrow(boxes, 1, 2, 2), tg_narrow(boxes, 1, 0, 2));
    return tg_all_dims(tg_ge_scalar(size, least), TG_DIMS(1), false);
}

/* ---- mixing ---- */
static double tg_image__normal(tg_dice *dice) {
    const double u = 1 - tg_dice_roll(dice);
    return sqrt(-2 * log(u)) * cos(2 * 3.14159265358979323846 * tg_dice_roll(dice));
}
/* the logarithm of a number of the gamma distribution: Marsaglia and Tsang 2000, for shapes below 1 by that of shape + 1 */
static double tg_image__log_gamma(tg_dice *dice, double shape) {
    const double d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3, c = 1 / sqrt(9 * d),
        less = shape < 1 ? log(1 - tg_dice_roll(dice)) / shape : 0;
    for (;;) {
        const double n = tg_image__normal(dice), v = (1 + c * n) * (1 + c * n) * (1 + c * n), u = 1 - tg_dice_roll(dice);
        if (v > 0 && log(u) < 0.5 * n * n + d - d * v + d * log(v)) return log(d * v) + less;
    }
}
static double tg_image__beta(tg_dice *dice, double alpha) {
    const double a = tg_image__log_gamma(dice, alpha), b = tg_image__log_gamma(dice, alpha);
    return 1 / (1 + exp(b - a));
}
static tg_tensor *tg_image__mix(tg_tensor *t, double share) {
    return tg_add(tg_mul_scalar(t, share), tg_mul_scalar(tg_roll(t, TG_DIMS(1), TG_DIMS(0)), 1 - share));
}
/* targets as f32 [N, classes]; NULL after an error */
static tg_tensor *tg_image__targets(tg_tensor *x, tg_tensor *targets, int64_t classes, const tg_dice *dice, double alpha) {
    if (!tg_image__step_is(x, dice, true)) return NULL;
    if (x->ndim != 4) return tg_image__fail_as(x, TG_ERROR_SHAPE, "mixup and cutmix: a batch [N, C, H, W]");
    if (!(alpha >= 0 && alpha < 1e18)) return tg_image__fail(x, "mixup and cutmix: alpha is positive, or 0 for 1");
    if (!targets || targets->ndim < 1 || targets->ndim > 2 || targets->shape[0] != x->shape[0] ||
        (targets->ndim == 2 && targets->shape[1] != classes))
        return tg_image__fail_as(x, TG_ERROR_SHAPE, "mixup and cutmix: targets are numbers [N] or probabilities [N, classes]");
    return tg_to(targets->ndim == 1 ? tg_one_hot(targets, classes) : targets, TG_F32);
}
tg_tensor *tg_image_mixup(tg_tensor *x, tg_tensor *targets, int64_t classes, tg_dice *dice, double alpha, tg_tensor **y) {
    tg_tensor *t = tg_image__targets(x, targets, classes, dice, alpha), *mixed;
    double share;
    *y = NULL;
    if (!t) return NULL;
    if (x->dtype == TG_U8) return tg_image__fail(x, "mixup: a floating type is wanted; tg_image_to_dtype first?");
    share = tg_image__beta(dice, tg_image__or(alpha, 1));
    mixed = tg_image__mix(x, share);
    *y = tg_image__mix(t, share);
    return *y ? mixed : NULL;
}
tg_tensor *tg_image_cutmix(tg_tensor *x, tg_tensor *targets, int64_t classes, tg_dice *dice, double alpha, tg_tensor **y) {
    tg_tensor *t = tg_image__targets(x, targets, classes, dice, alpha), *mixed;
    int64_t h, w, x0, x1, y0, y1, cx, cy, rx, ry;
    double r;
    *y = NULL;
    if (!t) return NULL;
    h = tg_image__h(x); w = tg_image__w(x);
    if (h == 0 || w == 0) return tg_image__fail_as(x, TG_ERROR_SHAPE, "cutmix: the pictures have no pixels");
    r = 0.5 * sqrt(1 - tg_image__beta(dice, tg_image__or(alpha, 1)));
    cx = tg_dice_below(dice, w); cy = tg_dice_below(dice, h);
    rx = (int64_t)(r * (double)w); ry = (int64_t)(r * (double)h);
    x0 = cx > rx ? cx - rx : 0; x1 = cx + rx < w ? cx + rx : w;
    y0 = cy > ry ? cy - ry : 0; y1 = cy + ry < h ? cy + ry : h;
    mixed = tg_image_erase(x, y0, x0, y1 - y0, x1 - x0, tg_image__box(tg_roll(x, TG_DIMS(1), TG_DIMS(0)), y0, x0, y1 - y0, x1 - x0));
    *y = mixed ? tg_image__mix(t, 1 - (double)((x1 - x0) * (y1 - y0)) / ((double)w * (double)h)) : NULL;
    return *y ? mixed : NULL;
}

/* ---- plain memory ---- */
static bool tg_pixels__is(const tg_pixels *in, const void *out) {
    return in && out && (in->dtype == TG_U8 || in->dtype == TG_F32) && in->c >= 0 && in->h >= 0 && in->w >= 0 &&
        (in->at || in->c == 0 || in->h == 0 || in->w == 0);
}
static double tg_pixels__get(const tg_pixels *in, int64_t i) {
    return in->dtype == TG_U8 ? (double)((const unsigned char *)in->at)[i] : (double)((const float *)in->at)[i];
}
static void tg_pixels__set(tg_dtype dtype, void *out, int64_t i, double v) {
    if (dtype == TG_F32) ((float *)out)[i] = (float)v;
    else ((unsigned char *)out)[i] = (unsigned char)(v >= 255 ? 255 : v > 0 ? v : 0);
}
bool tg_pixels_crop(const tg_pixels *in, int64_t top, int64_t left, int64_t height, int64_t width, bool flip, double fill, void *out) {
    const int64_t limit = INT32_MAX;
    int64_t c, row, col, i = 0;
    if (!tg_pixels__is(in, out) || height < 0 || width < 0 || top < -limit || left < -limit || top > limit || left > limit) return false;
    for (c = 0; c < in->c; c++)
        for (row = top; row < top + height; row++)
            for (col = 0; col < width; col++, i++) {
                const int64_t from = left + (flip ? width - 1 - col : col);
                const bool inside = row >= 0 && row < in->h && from >= 0 && from < in->w;
                tg_pixels__set(in->dtype, out, i, inside ? tg_pixels__get(in, (c * in->h + row) * in->w + from) : fill);
            }
    return true;
}
/* the pixels first ... last - 1 of n that pixel i of m is a mean of; scale is n / m, its weights are a triangle about the centre */
typedef struct tg_pixels__reach { int64_t first, last; double centre, wide; } tg_pixels__reach;
static tg_pixels__reach tg_pixels__reach_of(int64_t i, int64_t n, int64_t m) {
    const double scale = (double)n / (double)m;
    tg_pixels__reach r;
    r.wide = scale > 1 ? scale : 1;
    r.centre = ((double)i + 0.5) * scale;
    r.first = (int64_t)(r.centre - r.wide + 0.5); r.last = (int64_t)(r.centre + r.wide + 0.5);
    if (r.first < 0) r.first = 0;
    if (r.last > n) r.last = n;
    return r;
}
static double tg_pixels__weight(const tg_pixels__reach *r, int64_t i) {
    const double d = fabs(((double)i + 0.5 - r->centre) / r->wide);
    return d < 1 ? 1 - d : 0;
}
static double tg_pixels__mean(const tg_pixels *in, int64_t at, const tg_pixels__reach *rows, const tg_pixels__reach *cols) {
    double sum = 0, total = 0;
    int64_t r, c;
    for (r = rows->first; r < rows->last; r++) {
        const double weight = tg_pixels__weight(rows, r);
        for (c = cols->first; c < cols->last; c++) {
            const double v = weight * tg_pixels__weight(cols, c);
            sum += v * tg_pixels__get(in, at + r * in->w + c);
            total += v;
        }
    }
    return sum / total;
}
bool tg_pixels_resize(const tg_pixels *in, int64_t top, int64_t left, int64_t height, int64_t width,
    int64_t to_height, int64_t to_width, bool flip, void *out) {
    int64_t c, row, col, i = 0;
    if (!tg_pixels__is(in, out) || top < 0 || left < 0 || height <= 0 || width <= 0 || to_height <= 0 ||
        to_width <= 0 || top > in->h - height || left > in->w - width)
        return false;
    for (c = 0; c < in->c; c++)
        for (row = 0; row < to_height; row++) {
            const tg_pixels__reach rows = tg_pixels__reach_of(row, height, to_height);
            for (col = 0; col < to_width; col++, i++) {
                const tg_pixels__reach cols = tg_pixels__reach_of(flip ? to_width - 1 - col : col, width, to_width);
                const double v = tg_pixels__mean(in, (c * in->h + top) * in->w + left, &rows, &cols);
                tg_pixels__set(in->dtype, out, i, in->dtype == TG_U8 ? v + 0.5 : v);
            }
        }
    return true;
}
bool tg_pixels_to_float(const tg_pixels *in, const double *mean, const double *std, float *out) {
    int64_t c, i;
    if (!tg_pixels__is(in, out)) return false;
    for (c = 0; c < in->c; c++)
        for (i = c * in->h * in->w; i < (c + 1) * in->h * in->w; i++) {
            const double v = tg_pixels__get(in, i) / (in->dtype == TG_U8 ? 255 : 1);
            out[i] = (float)((v - (mean ? mean[c] : 0)) / (std ? std[c] : 1));
        }
    return true;
}
bool tg_pixels_random_crop(const tg_pixels *in, tg_dice *dice, const tg_image_crop_args *args, double flip, void *out) {
    int64_t pad_h, pad_w, top, left;
    if (!tg_pixels__is(in, out) || !dice || !args || args->height <= 0 || args->width <= 0 || args->padding < 0 ||
        args->padding > INT32_MAX / 4 || args->border != TG_IMAGE_CONSTANT || args->fills)
        return false;
    pad_h = pad_w = args->padding;
    if (args->pad_if_needed && in->h + 2 * pad_h < args->height) pad_h = args->height - in->h - pad_h;
    if (args->pad_if_needed && in->w + 2 * pad_w < args->width) pad_w = args->width - in->w - pad_w;
    if (in->h + 2 * pad_h < args->height || in->w + 2 * pad_w < args->width) return false;
    top = tg_dice_below(dice, in->h + 2 * pad_h - args->height + 1) - pad_h;
    left = tg_dice_below(dice, in->w + 2 * pad_w - args->width + 1) - pad_w;
    return tg_pixels_crop(in, top, left, args->height, args->width, tg_image__chance(dice, flip), args->fill, out);
}
bool tg_pixels_random_resized_crop(const tg_pixels *in, tg_dice *dice, const tg_image_resized_crop_args *args,
    int64_t height, int64_t width, double flip, void *out) {
    tg_image__area a;
    if (!tg_pixels__is(in, out) || !dice || in->h == 0 || in->w == 0 ||
        (args && !tg_image__good_areas(args->scale, args->ratio)))
        return false;
    a = tg_image__resized_area(dice, in->h, in->w, args);
    return tg_pixels_resize(in, a.top, a.left, a.height, a.width, height, width, tg_image__chance(dice, flip), out);
}
bool tg_pixels_random_erasing(const tg_pixels *in, tg_dice *dice, const tg_image_erasing_args *args, void *out) {
    tg_image__area a;
    int64_t c, row, col;
    if (!tg_pixels__is(in, out) || !dice || (args && !tg_image__good_areas(args->scale, args->ratio))) return false;
    if (out != in->at && in->at) memcpy(out, in->at, (size_t)(in->c * in->h * in->w) * (in->dtype == TG_U8 ? 1 : sizeof(float)));
    if (!tg_image__erased_area(dice, in->h, in->w, args, &a)) return true;
    for (c = 0; c < in->c; c++)
        for (row = a.top; row < a.top + a.height; row++)
            for (col = a.left; col < a.left + a.width; col++)
                tg_pixels__set(in->dtype, out, (c * in->h + row) * in->w + col, args ? args->value : 0);
    return true;
}

/* ---- text: words in a list, found through a table of open addresses ---- */
typedef struct tg_vocab__word { char *text; size_t size; int64_t count; } tg_vocab__word;
struct tg_vocab { tg_vocab__word *words; int64_t n, room, *table, slots; bool characters; };
static uint64_t tg_vocab__hash(const char *p, size_t size) {                                       /* FNV-1a */
    uint64_t h = 14695981039346656037u;
    size_t i;
    for (i = 0; i < size; i++) h = (h ^ (unsigned char)p[i]) * 1099511628211u;
    return h;
}
static char tg_vocab__small(char c) { return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); }
/* The slot where the word stands, or where it would. */
static int64_t tg_vocab__slot(const tg_vocab *v, const char *text, size_t size) {
    int64_t at = (int64_t)(tg_vocab__hash(text, size) & (uint64_t)(v->slots - 1));
    while (v->table[at] >= 0 && !(v->words[v->table[at]].size == size && memcmp(v->words[v->table[at]].text, text,
        size) == 0))
        at = (at + 1) & (v->slots - 1);
    return at;
}
static void tg_vocab__fill(tg_vocab *v) {
    int64_t i;
    for (i = 0; i < v->slots; i++) v->table[i] = -1;
    for (i = 0; i < v->n; i++) v->table[tg_vocab__slot(v, v->words[i].text, v->words[i].size)] = i;
}
static bool tg_vocab__grow(tg_vocab *v) {
    const int64_t room = v->room ? 2 * v->room : 64, slots = 2 * room;
    tg_vocab__word *words = (tg_vocab__word *)TG_TRANSFORMS_REALLOC(v->words, (size_t)room * sizeof *words);
    int64_t *table;
    if (!words) return false;
    v->words = words;
    table = (int64_t *)TG_TRANSFORMS_REALLOC(v->table, (size_t)slots * sizeof *table);
    if (!table) return false;
    v->table = table; v->room = room; v->slots = slots;
    tg_vocab__fill(v);
    return true;
}
void tg_vocab_free(tg_vocab *v) {
    int64_t i;
    if (!v) return;
    for (i = 0; i < v->n; i++) TG_TRANSFORMS_FREE(v->words[i].text);
    TG_TRANSFORMS_FREE(v->words); TG_TRANSFORMS_FREE(v->table); TG_TRANSFORMS_FREE(v);
}
tg_vocab *tg_vocab_new(bool characters) {
    tg_vocab *v = (tg_vocab *)TG_TRANSFORMS_REALLOC(NULL, sizeof *v);
    if (!v) return NULL;
    memset(v, 0, sizeof *v);
    v->characters = characters;
    if (tg_vocab_add(v, "<pad>", 5) == TG_VOCAB_PAD && tg_vocab_add(v, "<unk>", 5) == TG_VOCAB_UNKNOWN) return v;
    tg_vocab_free(v);
    return NULL;
}
int64_t tg_vocab_add(tg_vocab *v, const char *word, size_t size) {
    tg_vocab__word *w;
    int64_t at;
    if (v->n == v->room && !tg_vocab__grow(v)) return -1;
    at = tg_vocab__slot(v, word, size);
    if (v->table[at] >= 0) return v->table[at];
    w = &v->words[v->n];
    w->text = (char *)TG_TRANSFORMS_REALLOC(NULL, size + 1);
    if (!w->text) return -1;
    if (size) memcpy(w->text, word, size);
    w->text[size] = 0; w->size = size; w->count = 0;
    v->table[at] = v->n;
    return v->n++;
}
static bool tg_vocab__is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static bool tg_vocab__is_sign(char c) {
    return (c > ' ' && c < '0') || (c > '9' && c < 'A') || (c > 'Z' && c < 'a') || (c > 'z' && c <= '~');
}
static size_t tg_vocab__character(const char *p, size_t left) {
    const unsigned char c = (unsigned char)*p;
    const size_t size = c >= 0xf0 && c < 0xf8 ? 4 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xc0 && c < 0xe0 ? 2 : 1;
    size_t i;
    for (i = 1; i < size; i++) if (i >= left || ((unsigned char)p[i] & 0xc0) != 0x80) return 1;
    return size;
}
/* The next token from *at on: its first byte, and *at behind it; 0: there is none. */
static size_t tg_vocab__next(const tg_vocab *v, const char *text, size_t size, size_t *at) {
    size_t first;
    if (v->characters) {
        const size_t n = *at < size ? tg_vocab__character(text + *at, size - *at) : 0;
        *at += n;
        return n;
    }
    while (*at < size && tg_vocab__is_space(text[*at])) ++*at;
    first = *at;
    if (*at < size && tg_vocab__is_sign(text[*at])) { ++*at; return 1; }
    while (*at < size && !tg_vocab__is_space(text[*at]) && !tg_vocab__is_sign(text[*at])) ++*at;
    return *at - first;
}
/* Words are looked up in small letters, which are written into room; longer ones are not known. */
enum { TG_VOCAB__LONGEST = 256 };
static const char *tg_vocab__lower(const tg_vocab *v, const char *word, size_t size, char *room) {
    size_t i;
    if (v->characters || size > TG_VOCAB__LONGEST) return word;
    for (i = 0; i < size; i++) room[i] = tg_vocab__small(word[i]);
    return room;
}
bool tg_vocab_read(tg_vocab *v, const char *text, size_t size) {
    char room[TG_VOCAB__LONGEST];
    size_t at = 0, n;
    while ((n = tg_vocab__next(v, text, size, &at)) > 0) {
        int64_t id;
        if (!v->characters && n > TG_VOCAB__LONGEST) continue;
        id = tg_vocab_add(v, tg_vocab__lower(v, text + at - n, n, room), n);
        if (id < 0) return false;
        v->words[id].count++;
    }
    return true;
}
/* words with their places, so that equals keep their order */
typedef struct tg_vocab__rank { int64_t count, id; } tg_vocab__rank;
static int tg_vocab__compare(const void *a, const void *b) {
    const tg_vocab__rank *x = (const tg_vocab__rank *)a, *y = (const tg_vocab__rank *)b;
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}
bool tg_vocab_sort(tg_vocab *v, int64_t least, int64_t most) {
    tg_vocab__rank *rank = (tg_vocab__rank *)TG_TRANSFORMS_REALLOC(NULL, (size_t)v->n * sizeof *rank);
    tg_vocab__word *words = (tg_vocab__word *)TG_TRANSFORMS_REALLOC(NULL, (size_t)v->room * sizeof *words);
    int64_t i, n = 2;
    if (!rank || !words) { TG_TRANSFORMS_FREE(rank); TG_TRANSFORMS_FREE(words); return false; }
    for (i = 0; i < v->n; i++) { rank[i].count = v->words[i].count; rank[i].id = i; }
    qsort(rank + 2, (size_t)(v->n - 2), sizeof *rank, tg_vocab__compare);
    words[0] = v->words[0]; words[1] = v->words[1];
    for (i = 2; i < v->n; i++) {
        if (rank[i].count < least || (most > 0 && n >= most)) TG_TRANSFORMS_FREE(v->words[rank[i].id].text);
        else words[n++] = v->words[rank[i].id];
    }
    TG_TRANSFORMS_FREE(rank); TG_TRANSFORMS_FREE(v->words);
    v->words = words; v->n = n;
    tg_vocab__fill(v);
    return true;
}
/* Lines end words, so that a line feed is \n in them and a backslash two. */
size_t tg_vocab_format(const tg_vocab *v, char *out, size_t size) {
    static const char *const kinds[2] = { "words\n", "characters\n" };
    size_t at = 0, k;
    const char *p = kinds[v->characters];
    int64_t i;
#define TG_VOCAB__PUT(c) do { if (at + 1 < size) out[at] = (c); at++; } while (0)
    for (; *p; p++) TG_VOCAB__PUT(*p);
    for (i = 2; i < v->n; i++) {
        for (k = 0; k < v->words[i].size; k++) {
            const char c = v->words[i].text[k];
            if (c == '\n' || c == '\\' || c == 0) TG_VOCAB__PUT('\\');
            TG_VOCAB__PUT(c == '\n' ? 'n' : c == 0 ? '0' : c);
        }
        TG_VOCAB__PUT('\n');
    }
#undef TG_VOCAB__PUT
    if (size) out[at < size ? at : size - 1] = 0;
    return at;
}
tg_vocab *tg_vocab_parse(const char *text, size_t size) {
    const bool characters = size >= 11 && memcmp(text, "characters\n", 11) == 0;
    size_t at = characters ? 11 : 6, n;
    char *word;
    tg_vocab *v;
    if (!characters && (size < 6 || memcmp(text, "words\n", 6) != 0)) return NULL;
    v = tg_vocab_new(characters);
    word = (char *)TG_TRANSFORMS_REALLOC(NULL, size);
    while (v && word && at < size) {
        bool good = true;
        const int64_t number = v->n;
        for (n = 0; at < size && text[at] != '\n'; at++) {
            char c = text[at];
            if (c == '\\') {
                c = ++at < size ? text[at] : 'x';
                good = good && (c == 'n' || c == '0' || c == '\\');
                c = (char)(c == 'n' ? '\n' : c == '0' ? 0 : '\\');
            }
            word[n++] = c;
        }
        /* cut off, or one comes twice */
        if (at++ >= size || !good || tg_vocab_add(v, word, n) != number) { tg_vocab_free(v); v = NULL; }
    }
    if (!word) { tg_vocab_free(v); v = NULL; }
    TG_TRANSFORMS_FREE(word);
    return v;
}
int64_t tg_vocab_size(const tg_vocab *v) { return v->n; }
int64_t tg_vocab_id(const tg_vocab *v, const char *word, size_t size) {
    const int64_t id = v->table[tg_vocab__slot(v, word, size)];
    return id < 0 ? (int64_t)TG_VOCAB_UNKNOWN : id;
}
const char *tg_vocab_word(const tg_vocab *v, int64_t id) { return id >= 0 && id < v->n ? v->words[id].text : NULL; }
int64_t tg_vocab_encode(const tg_vocab *v, const char *text, size_t size, int64_t *ids, int64_t room) {
    char small_letters[TG_VOCAB__LONGEST];
    size_t at = 0, n;
    int64_t count = 0;
    for (; (n = tg_vocab__next(v, text, size, &at)) > 0; count++)
        if (count < room) ids[count] = tg_vocab_id(v, tg_vocab__lower(v, text + at - n, n, small_letters), n);
    return count;
}
int64_t tg_vocab_encode_padded(const tg_vocab *v, const char *text, size_t size, int64_t *ids, int64_t length) {
    int64_t n = tg_vocab_encode(v, text, size, ids, length), i;
    for (i = n; i < length; i++) ids[i] = TG_VOCAB_PAD;
    return n < length ? n : length;
}
tg_tensor *tg_vocab_tensor(tg_ctx *tg, const tg_vocab *v, const char *text, size_t size) {
    const int64_t n = tg_vocab_encode(v, text, size, NULL, 0);
    tg_tensor *t = tg_image__host(tg, TG_SHAPE(n), TG_I64);
    if (t) tg_vocab_encode(v, text, size, (int64_t *)t->data, n);
    return t;
}
tg_tensor *tg_text_windows(tg_tensor *tokens, int64_t length, int64_t step) { return tg_unfold(tokens, 0, length, step); }

#endif /* TG_TRANSFORMS_IMPLEMENTATION */

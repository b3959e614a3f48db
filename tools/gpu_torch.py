#!/usr/bin/env python3
"""The rows of tools/gpu_bench.c with torch: the same names, sizes and lines. tools/gpu_check.sh runs both.

  python3 tools/gpu_torch.py                      all rows on the GPU, eager: impl torch
  python3 tools/gpu_torch.py --compile            through torch.compile: impl torch_compile
  --rows GLOB,... --budget SECONDS --small --cpu --list     as of gpu_bench; rows run in the order of the globs
  --limit SECONDS                                 no row begins later than this, and the one that is under way is given up; so is
                                                  a row that takes a third of it

A sample ends by torch.cuda.synchronize(). f32 is true f32 but in the rows of tf32; cuDNN may try what is fastest
(benchmark), optimizers are fused, attention is scaled_dot_product_attention, inference runs under inference_mode."""
import argparse, fnmatch, json, os, signal, time

ap = argparse.ArgumentParser()
ap.add_argument("--rows", default="*")
ap.add_argument("--budget", type=float, default=0.1)
ap.add_argument("--limit", type=float, default=0)
ap.add_argument("--compile", action="store_true")
ap.add_argument("--small", action="store_true")
ap.add_argument("--cpu", action="store_true")
ap.add_argument("--list", action="store_true")
args = ap.parse_args()
began = time.perf_counter()

import torch
import torch.nn as nn
import torch.nn.functional as F

DEV = "cpu" if args.cpu else "cuda"
IMPL = "torch_compile" if args.compile else "torch"
F32, BF16 = torch.float32, torch.bfloat16
S = lambda full, small: small if args.small else full
wait = (lambda: None) if args.cpu or args.list else torch.cuda.synchronize
ROWS = []  # name, flop, bytes, builder, tf32, repetitions of a sample


def row(name, flop, nbytes, build, tf32=False, inner=0):
    ROWS.append((name, flop, nbytes, build, tf32, inner))


def N(*shape, dt=F32, grad=False):
    return torch.randn(*shape, device=DEV).to(dt).requires_grad_(grad)


def there(make):
    """a model whose weights are drawn where it stays"""
    with torch.device(DEV):
        return make()


def comp(f):
    return torch.compile(f, dynamic=False) if args.compile else f


def nograd(f):
    f = comp(f)

    def run():
        with torch.inference_mode():
            return f()
    return run


def call(f, shapes, dt=F32):
    """builder of a row without derivatives"""
    def build():
        x = [N(*s, dt=dt) for s in shapes]
        return nograd(lambda: f(*x))
    return build


def back(f, shapes, dt, wanted, result=None):
    """builder of a row with them: of so many of the inputs, from a gradient of the result's shape, or of a loss"""
    def build():
        x = [N(*s, dt=dt, grad=i < wanted) for i, s in enumerate(shapes)]
        g = None if result is None else N(*result, dt=dt)
        h = comp(f)
        return lambda: torch.autograd.grad(h(*x), x[:wanted], g)
    return build


# ------------------------------------------------------------------ gemm, small, attn
for kind in ("f32", "tf32", "bf16"):
    for size in (1024, 2048, 4096, 8192):
        n = S(size, size // 64)
        row("gemm/%s_nn_%d" % (kind, size), 2 * n ** 3, (6 if kind == "bf16" else 12) * n * n,
            call(torch.mm, ((n, n), (n, n)), BF16 if kind == "bf16" else F32), kind == "tf32")

row("small/add_4", 4, 48, call(torch.add, ((4,), (4,))), inner=S(10000, 200))


def trained(make):
    def build():
        m, opt, x, y, loss = make()
        h = comp(loss)

        def run():
            opt.zero_grad(set_to_none=True)
            l = h(x, y)
            l.backward()
            opt.step()
            return l
        return run
    return build


def ids(n, *shape):
    return torch.randint(0, n, shape, device=DEV)


def mlp():
    m = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4)).to(DEV)
    return m, torch.optim.AdamW(m.parameters(), lr=1e-3, fused=True), N(64, 8), ids(4, 64), lambda x, y: F.cross_entropy(m(x), y)


row("small/mlp_step_b64", 128 * (8 * 64 * 2 + 64 * 64 * 3 + 64 * 4 * 3), 0, trained(mlp))

for d in (64, 128):
    shape = (S(4, 1), S(16, 2), S(2048, 40), d)
    n = shape[0] * shape[1] * shape[2] * d
    att = lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True)
    name = "attn/bf16_causal_b4_h16_t2048_d%d/" % d
    row(name + "fwd", 2 * n * shape[2], 8 * n, call(att, (shape,) * 3, BF16))
    row(name + "fwdbwd", 7 * n * shape[2], 20 * n, back(att, (shape,) * 3, BF16, 3, shape))


# ------------------------------------------------------------------ models
class Block(nn.Module):
    def __init__(s, i, o, st):
        super().__init__()
        s.c1, s.b1 = nn.Conv2d(i, o, 3, st, 1, bias=False), nn.BatchNorm2d(o)
        s.c2, s.b2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
        s.sc = nn.Sequential(nn.Conv2d(i, o, 1, st, bias=False), nn.BatchNorm2d(o)) if st != 1 or i != o else None

    def forward(s, x):
        return F.relu(s.b2(s.c2(F.relu(s.b1(s.c1(x))))) + (x if s.sc is None else s.sc(x)))


class ResNet18(nn.Module):
    def __init__(s, p):
        super().__init__()
        s.stem = nn.Sequential(nn.Conv2d(3, p, 3, 1, 1, bias=False), nn.BatchNorm2d(p), nn.ReLU())
        b, i = [], p
        for o, st in ((p, 1), (2 * p, 2), (4 * p, 2), (8 * p, 2)):
            b += [Block(i, o, st), Block(o, o, 1)]
            i = o
        s.body, s.fc = nn.Sequential(*b), nn.Linear(i, 10)

    def forward(s, x):
        return s.fc(s.body(s.stem(x)).mean((2, 3)))


def resnet():
    m = there(lambda: ResNet18(S(64, 8)))
    n, h = S(256, 2), S(32, 16)
    return m, torch.optim.SGD(m.parameters(), lr=0.01, momentum=0.9, fused=True), N(n, 3, h, h), ids(10, n), lambda x, y: F.cross_entropy(m(x), y)


row("train/resnet18_cifar_b256", S(256, 0) * 3 * 2 * 555.4e6, 0, trained(resnet))

V, P, L, C, H = S(50257, 211), S(1024, 64), S(12, 2), S(768, 64), S(12, 2)
PARAMETERS = C * (V + P) + L * (12 * C * C + 13 * C) + 2 * C


class GPTBlock(nn.Module):
    def __init__(s):
        super().__init__()
        s.ln1, s.qkv, s.proj = nn.LayerNorm(C), nn.Linear(C, 3 * C), nn.Linear(C, C)
        s.ln2, s.up, s.down = nn.LayerNorm(C), nn.Linear(C, 4 * C), nn.Linear(4 * C, C)

    def forward(s, x, kv, pos):
        B, T, _ = x.shape
        q, k, v = (t.view(B, T, H, C // H).transpose(1, 2) for t in s.qkv(s.ln1(x)).split(C, 2))
        if kv is not None:
            kv[0][:, :, pos:pos + T] = k
            kv[1][:, :, pos:pos + T] = v
            a = F.scaled_dot_product_attention(q, kv[0][:, :, :pos + T], kv[1][:, :, :pos + T])
        else:
            a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + s.proj(a.transpose(1, 2).reshape(B, T, C))
        return x + s.down(F.gelu(s.up(s.ln2(x)), approximate="tanh"))


class GPT(nn.Module):
    def __init__(s):
        super().__init__()
        s.wte, s.wpe = nn.Embedding(V, C), nn.Embedding(P, C)
        s.h, s.lnf = nn.ModuleList(GPTBlock() for _ in range(L)), nn.LayerNorm(C)
        s.head = nn.Linear(C, V, bias=False)
        s.head.weight = s.wte.weight
        nn.init.normal_(s.wte.weight, std=0.02)

    def forward(s, i, kv=None, pos=0):
        x = s.wte(i) + s.wpe.weight[pos:pos + i.shape[1]]
        for n, b in enumerate(s.h):
            x = b(x, kv[n] if kv is not None else None, pos)
        return s.head(s.lnf(x))


def gpt():
    m = there(GPT).to(BF16)
    n, t = S(8, 2), S(1024, 16)
    return (m, torch.optim.AdamW(m.parameters(), lr=1e-4, fused=True), ids(V, n, t), ids(V, n * t),
            lambda i, y: F.cross_entropy(m(i).view(-1, V), y))


tokens = S(8, 2) * S(1024, 16)
row("train/gpt2_124m_bf16_8x1024", 3 * (tokens * (L * 24 * C * C + 2 * C * V) + L * 2 * tokens * S(1024, 16) * C), 0, trained(gpt))


def decode():
    m = there(GPT).to(BF16).eval()
    n = S(64, 4)
    kv = [(N(1, H, P, C // H, dt=BF16), N(1, H, P, C // H, dt=BF16)) for _ in range(L)]
    first = ids(V, 1, 1)
    f = torch.compile(m) if args.compile else m  # of any position

    def run():
        with torch.inference_mode():
            i = first
            for pos in range(n, 2 * n):
                i = f(i, kv, pos)[:, -1].argmax(-1, keepdim=True)
            return i
    return run


row("infer/gpt2_decode", 0, S(64, 4) * 2 * PARAMETERS, decode)


# ------------------------------------------------------------------ optimizers
def adamw(parameters):
    def build():
        p = list(parameters())
        for t in p:
            t.grad = torch.randn_like(t)
        return torch.optim.AdamW(p, lr=1e-4, fused=True).step
    return build


row("optim/adamw_1e8", 0, 28 * S(10 ** 8, 10 ** 4), adamw(lambda: [N(S(10 ** 8, 10 ** 4), grad=True)]))
row("optim/adamw_gpt2_148", 0, 28 * PARAMETERS, adamw(lambda: there(GPT).parameters()))

# ------------------------------------------------------------------ mem
side = S(10000, 100)
n, square = side * side, (side, side)
for name, f, shapes, width, dt in (
        ("add_1e8", torch.add, ((n,), (n,)), 12, F32), ("exp_1e8", torch.exp, ((n,),), 8, F32), ("gelu_bf16_1e8", F.gelu, ((n,),), 4, BF16),
        ("mul_row_1e8", torch.mul, (square, (side,)), 8, F32), ("cast_f32_bf16_1e8", lambda x: x.to(BF16), ((n,),), 6, F32),
        ("copy_10000", torch.clone, (square,), 8, F32), ("transpose_copy_10000", lambda x: x.t().contiguous(), (square,), 8, F32),
        ("sum_all_1e8", torch.sum, ((n,),), 4, F32), ("sum_dim1_10000", lambda x: x.sum(1), (square,), 4, F32), ("sum_dim0_10000", lambda x: x.sum(0), (square,), 4, F32)):
    row("mem/" + name, 0, width * n, call(f, shapes, dt))

M, W, VOCAB = S(8192, 32), S(4096, 136), S(50257, 211)
for name, f, shapes in (("softmax", lambda x: x.softmax(1), ((M, W),)), ("layernorm", lambda x, w, b: F.layer_norm(x, (W,), w, b), ((M, W), (W,), (W,)))):
    for kind, dt in (("f32", F32), ("bf16", BF16)):
        e = 4 if dt is F32 else 2
        row("mem/%s_8192x4096_%s/fwd" % (name, kind), 0, 2 * e * M * W, call(f, shapes, dt))
        row("mem/%s_8192x4096_%s/fwdbwd" % (name, kind), 0, 5 * e * M * W, back(f, shapes, dt, len(shapes), (M, W)))


def cross_entropy():
    x, y = N(M, VOCAB, dt=BF16, grad=True), ids(VOCAB, M)
    f = comp(F.cross_entropy)
    return lambda: torch.autograd.grad(f(x, y), x)


row("mem/cross_entropy_8192x50257_bf16/fwdbwd", 0, 4 * M * VOCAB, cross_entropy)

# ------------------------------------------------------------------ convolutions
for name, c, h, o, k, st in (("n64_c3_o64_hw224_k7s2", 3, 224, 64, 7, 2), ("n64_c64_o64_hw56_k3", 64, 56, 64, 3, 1), ("n64_c256_o64_hw56_k1", 256, 56, 64, 1, 1),
                             ("n64_c128_o128_hw28_k3", 128, 28, 128, 3, 1), ("n64_c256_o256_hw14_k3", 256, 14, 256, 3, 1), ("n64_c512_o512_hw7_k3", 512, 7, 512, 3, 1)):
    n, c, h, o, first = S(64, 2), S(c, 3 if c == 3 else c // 16), S(h, h // 4 if h > 14 else 7), S(o, o // 16), c == 3
    q = (h + 2 * (k // 2) - k) // st + 1
    flop, numbers = 2 * n * q * q * o * c * k * k, n * c * h * h + o * c * k * k + n * o * q * q
    conv = lambda w, x, st=st, k=k: F.conv2d(x, w, None, st, k // 2)
    shapes, times = ((o, c, k, k), (n, c, h, h)), 2 if first else 3
    for kind, dt in (("f32", F32), ("bf16", BF16)):
        e = 4 if dt is F32 else 2
        row("conv/%s_%s/fwd" % (kind, name), flop, e * numbers, call(conv, shapes, dt))
        row("conv/%s_%s/fwdbwd" % (kind, name), times * flop, times * e * numbers, back(conv, shapes, dt, 1 if first else 2, (n, o, q, q)))


# ------------------------------------------------------------------ timing
def measure(run, inner):
    def timed(n):
        begin = time.perf_counter()
        for _ in range(n):
            run()
        wait()
        return time.perf_counter() - begin
    t = min(timed(1) for _ in range(3))
    while not inner and t < 1e-3:
        n = int(1.2e-3 / max(t, 1e-7)) + 1
        t = timed(n)
        if t >= 1e-3:
            inner = n
        else:
            t /= n
    inner = inner or 1
    out, end = [], time.perf_counter() + args.budget
    while len(out) < 5 or (time.perf_counter() < end and len(out) < 2000):
        out.append(timed(inner) / inner)
    out.sort()
    return out[0] * 1e6, out[len(out) // 2] * 1e6, len(out), inner


def line(**fields):
    print(json.dumps(fields, separators=(",", ":")), flush=True)


class Late(Exception):
    pass


def late(*_):
    global fired
    fired = True
    raise Late()


def main():
    global fired
    chosen = {r[0]: r for p in args.rows.split(",") for r in ROWS if fnmatch.fnmatchcase(r[0], p)}
    if args.limit and hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, late)
    if args.cpu:
        torch.set_num_threads(1)
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = False
    for name, flop, nbytes, build, tf32, inner in chosen.values():
        if args.list:
            line(name=name, work={"flop": int(flop), "bytes": int(nbytes)})
            continue
        left = args.limit - (time.perf_counter() - began)
        run, fired = None, False
        try:
            if args.limit:
                if left < 1:
                    raise Late()
                if hasattr(signal, "SIGALRM"):
                    signal.alarm(int(min(left, args.limit / 3)) + 1)
            torch.manual_seed(0)
            torch.backends.cuda.matmul.allow_tf32 = tf32
            if args.compile:
                torch._dynamo.reset()
            run = build()
            least, median, samples, inner = measure(run, inner)
            more = {"small": True} if args.small else {}
            line(name=name, impl=IMPL, threads=1, min_us=round(least, 4), med_us=round(median, 4), work={"flop": int(flop), "bytes": int(nbytes)},
                 samples=samples, inner=inner, device=DEV, **more)
        except Exception as e:  # what cannot do a row says so and goes on; torch may have wrapped a Late in an error of its own
            late_one = fired or isinstance(e, Late)
            line(name=name, impl=IMPL, threads=1, error="not done within --limit" if late_one else (str(e).splitlines() or [type(e).__name__])[0][:200].replace('"', "'"))
        finally:
            if hasattr(signal, "SIGALRM"):
                signal.alarm(0)
        del run
        if not args.cpu:
            torch.cuda.empty_cache()
    if args.limit:
        os._exit(0)  # what compiles in the background is not waited for


if __name__ == "__main__":
    main()

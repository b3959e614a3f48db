# What the test scripts share, read by them with `.`: building things once. (sh has no local variables; the names here begin with o_, u_, g_ and b_.) A compiler needs 10 to 20 seconds for the implementation, and more with every operation, so
# it is compiled a handful of times for the whole suite: all that is built stands in build/ and is used again until a file it was made from, or its command, changes.

if [ -z "$CC" ]; then CC=cc; command -v gcc >/dev/null 2>&1 && CC=gcc; fi
# Tests are built with -O1; the object they are linked with is the one that README tells users to make, with strict mode on the plain pass besides. TG_CFLAGS, when given, stands for both.
: "${TG_OBJECT_FLAGS=${TG_CFLAGS--O2} -DTENSORGRAD_SOFT_FMA}" "${TG_CFLAGS=-O1}" "${TG_JOBS=2}"
export CC TG_CFLAGS TG_OBJECT_FLAGS TG_JOBS

have() { command -v "$1" >/dev/null 2>&1; }

# build_once TARGET NEEDS COMMAND...: runs `COMMAND... -o TARGET`, unless the same command has made it since the files NEEDS changed. What the compiler said is in TARGET.txt.
# Scripts that want the same thing at the same time wait for the first of them; the lock of one that was killed is taken over.
build_once() {
    o_target=$1 o_needs=$2; shift 2
    while ! mkdir "$o_target.lock" 2>/dev/null; do
        sleep 0.3 2>/dev/null || sleep 1
        o_owner=$(cat "$o_target.lock/owner" 2>/dev/null) || continue
        [ -z "$o_owner" ] || kill -0 "$o_owner" 2>/dev/null || { mv "$o_target.lock" "$o_target.dead$$" 2>/dev/null && rm -rf "$o_target.dead$$"; }
    done
    echo $$ > "$o_target.lock/owner"
    if [ ! -f "$o_target" ] || [ "$(cat "$o_target.line" 2>/dev/null)" != "$*" ] || [ -n "$(find $o_needs -newer "$o_target.line" 2>/dev/null)" ]; then
        rm -f "$o_target"
        echo "$*" > "$o_target.line"                            # before the compiler reads the files, so that a change meanwhile is seen
        "$@" -o "$o_target.new" >"$o_target.txt" 2>&1 && mv "$o_target.new" "$o_target"
    fi
    rm -rf "$o_target.lock"
    [ -f "$o_target" ]
}

# object NAME COMPILER FLAGS...: the implementation as $object, build/obj/NAME.o, made as README shows it.
object() {
    mkdir -p build/obj
    object=build/obj/$1.o; shift
    build_once "$object" tensorgrad.h "$@" -c -x "${language:-c}" -DTENSORGRAD_IMPLEMENTATION tensorgrad.h
}
object_name() { echo "$*" | tr -c 'A-Za-z0-9\n' '_'; }
# the one that tests, examples and the manual's programs share
shared_object() { object "$(object_name $CC $TG_OBJECT_FLAGS)" $CC $TG_OBJECT_FLAGS; }

# kinds FILE...: for each C file of tests a line 'KIND FILE': private where it uses a name of the implementation (tg__... or TG__... that the declarations do not have),
# own where it sets options of the header itself, public otherwise.
kinds() {
    awk '
        FNR == 1 { files++ }
        files == 1 && over { next }
        files == 1 && /^#endif .. TENSORGRAD_H/ { over = 1 }
        FNR == 1 && files > 1 { order[files] = FILENAME; kind[FILENAME] = "public" }
        files > 1 && /^ *# *define +(TENSORGRAD_(NO|TEACH|DEBUG|STATIC|NATIVE|FILENAME)|TG_)/ { kind[FILENAME] = "own" }
        /[Tt][Gg]__/ {
            s = $0
            while (match(s, /[A-Za-z0-9_]+/)) {
                w = substr(s, RSTART, RLENGTH); s = substr(s, RSTART + RLENGTH)
                if (w !~ /^(tg|TG)__/) continue
                if (files == 1) declared[w] = 1
                else if (!(w in declared) && kind[FILENAME] == "public") kind[FILENAME] = "private"
            }
        }
        END { for (i = 2; i <= files; i++) print kind[order[i]], order[i] }' tensorgrad.h "$@"
}
# the C files that are tests of their own
c_tests() { for o_test in tests/test_*.c tests/fuzz_*.c tests/golden.c tests/formats.c tests/hostile.c tests/models.c tests/onnx.c; do [ -f "$o_test" ] && echo "$o_test"; done; true; }
private_tests() { kinds $(c_tests) | sed -n 's/^private //p'; }
part_of() { name=${1##*/}; name=${name%.*}; echo "${name#test_}"; }
# What the line `run.sh flags: -lfoo` of some C files adds to their compile lines
flags_of() { sed -n 's/.*run\.sh flags: *\([^*]*\).*/\1/p' "$@" | tr '\n' ' '; }

# unit OUTPUT FILE...: a C file of one implementation and these tests, each with its main under another name; the program runs the one that its first argument names.
unit() {
    u_file=$1; shift
    {
        printf '#ifndef TENSORGRAD_SOFT_FMA\n#define TENSORGRAD_SOFT_FMA\n#endif\n#define TENSORGRAD_IMPLEMENTATION\n#include "tensorgrad.h"\n#include "tests/isa.h"\n#include "tests/test.h"\n'
        for u_test; do printf '#define main(...) test_%s_main(int argc, char **argv)\n#include "%s"\n#undef main\n' "$(part_of "$u_test")" "$u_test"; done
        printf 'int main(int argc, char **argv) {\n'
        for u_test; do printf '    if (argc > 1 && strcmp(argv[1], "%s") == 0) return test_%s_main(argc - 1, argv + 1);\n' "$(part_of "$u_test")" "$(part_of "$u_test")"; done
        printf '    return 2;\n}\n'
    } > "$u_file.$$"
    if cmp -s "$u_file.$$" "$u_file"; then rm -f "$u_file.$$"; else mv "$u_file.$$" "$u_file"; fi
}

# group FILE... -o OUTPUT: lines 'NUMBER FILE': tests with one number can stand in one translation unit. A test joins the first group where nothing collides, which a compiler
# tells in a second without making code.
group() {
    : > build/group.$$
    while [ "$1" != -o ]; do
        g_number=1
        while g_members=$(sed -n "s/^$g_number //p" build/group.$$); [ -n "$g_members" ]; do
            unit build/group.$$.c $g_members "$1"
            $CC -fsyntax-only -Werror -I. build/group.$$.c >/dev/null 2>&1 && break
            g_number=$((g_number + 1))
        done
        echo "$g_number $1" >> build/group.$$
        shift
    done
    rm -f build/group.$$.c
    mv build/group.$$ "$2"
}

# build_test FILE FLAVOUR OBJECT COMMAND...: builds the test, into build/bin/FLAVOUR; $program is then the command that runs it, and $said what the compiler said.
#   public    linked with OBJECT
#   private   one program with the others of its group, with one implementation
#   own       compiled as it is
build_test() {
    b_file=$1 b_dir=build/bin${2:+/$2} b_with=$3; shift 3
    mkdir -p "$b_dir"
    b_name=$(part_of "$b_file")
    program=$b_dir/$b_name
    said=$program.txt
    b_kind=$(kinds "$b_file")
    case $b_kind in
        public*) build_once "$program" "$b_file tests/*.h tools/*.h examples/models/*.h tensorgrad.h $b_with" "$@" -DTG__IMPLEMENTATION_DONE -include tests/isa.h "$b_file" "$b_with" $(flags_of "$b_file");;
        own*)    build_once "$program" "$b_file tests/*.h tensorgrad.h" "$@" "$b_file" $(flags_of "$b_file");;
        *)
            b_together=$(private_tests)
            build_once build/groups "$(echo $b_together) tests/*.h tools/*.h tensorgrad.h" group $b_together
            b_number=$(sed -n "s|^\([0-9]*\) $b_file\$|\1|p" build/groups)
            if [ -n "$b_number" ]; then b_together=$(sed -n "s/^$b_number //p" build/groups); else b_number=$b_name b_together=$b_file; fi
            b_unit=$b_dir/private_$b_number
            said=$b_unit.txt
            unit "$b_unit.c" $b_together
            program="$b_unit $b_name"
            build_once "$b_unit" "$b_unit.c $(echo $b_together) tests/*.h tools/*.h tensorgrad.h" "$@" -I. "$b_unit.c" $(flags_of $b_together);;
    esac
}

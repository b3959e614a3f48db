# What the test scripts share, read by them with `.`: building things once. (sh has no local variables; the names here begin with o_, u_ and b_.) A compiler needs 10 to 20 seconds for the implementation, and more with every operation, so
# it is compiled a handful of times for the whole suite: all that is built stands in build/ and is used again until a file it was made from, or its command, changes.

if [ -z "$CC" ]; then CC=cc; command -v gcc >/dev/null 2>&1 && CC=gcc; fi
# Tests are built with -O1; the object they are linked with is the one that README tells users to make. TG_CFLAGS, when given, stands for both.
: "${TG_OBJECT_FLAGS=${TG_CFLAGS--O2}}" "${TG_CFLAGS=-O1}" "${TG_JOBS=2}"
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
        printf '#define TENSORGRAD_IMPLEMENTATION\n#include "tensorgrad.h"\n#include "tests/isa.h"\n#include "tests/test.h"\n'
        for u_test; do printf '#define main(...) test_%s_main(int argc, char **argv)\n#include "%s"\n#undef main\n' "$(part_of "$u_test")" "$u_test"; done
        printf 'int main(int argc, char **argv) {\n'
        for u_test; do printf '    if (argc > 1 && strcmp(argv[1], "%s") == 0) return test_%s_main(argc - 1, argv + 1);\n' "$(part_of "$u_test")" "$(part_of "$u_test")"; done
        printf '    return 2;\n}\n'
    } > "$u_file.$$"
    if cmp -s "$u_file.$$" "$u_file"; then rm -f "$u_file.$$"; else mv "$u_file.$$" "$u_file"; fi
}

# build_test FILE FLAVOUR OBJECT COMMAND...: builds the test, into build/bin/FLAVOUR; $program is then the command that runs it, and $said what the compiler said.
#   public    linked with OBJECT
#   private   all of this kind are one program with one implementation. They stand in one translation unit, so the names at their file scope must differ; where the unit does
#             not compile the test is built alone, with a note
#   own       compiled as it is
build_test() {
    b_file=$1 b_dir=build/bin${2:+/$2} b_with=$3; shift 3
    mkdir -p "$b_dir"
    b_name=$(part_of "$b_file")
    program=$b_dir/$b_name
    said=$b_dir/$b_name.txt
    b_kind=$(kinds "$b_file")
    case $b_kind in
        public*) build_once "$program" "$b_file tests/isa.h tests/test.h tests/small_json.h tensorgrad.h $b_with" "$@" -DTG__IMPLEMENTATION_DONE -include tests/isa.h "$b_file" "$b_with" $(flags_of "$b_file");;
        own*)    build_once "$program" "$b_file tests/test.h tensorgrad.h" "$@" "$b_file" $(flags_of "$b_file");;
        *)
            b_together=$(private_tests)
            case " $(echo $b_together) " in *" $b_file "*) ;; *) b_together=$b_file;; esac
            unit "$b_dir/private.c" $b_together
            if build_once "$b_dir/private" "$b_dir/private.c $(echo $b_together) tests/isa.h tests/test.h tests/small_json.h tensorgrad.h" "$@" -I. "$b_dir/private.c" $(flags_of $b_together); then
                program="$b_dir/private $b_name"
                return 0
            fi
            echo "note: $(echo $b_together) do not compile as one program, see $b_dir/private.txt; $b_name is built alone"
            unit "$b_dir/$b_name.c" "$b_file"
            build_once "$program" "$b_dir/$b_name.c $b_file tests/isa.h tests/test.h tests/small_json.h tensorgrad.h" "$@" -I. "$b_dir/$b_name.c" $(flags_of "$b_file") && program="$program $b_name";;
    esac
}

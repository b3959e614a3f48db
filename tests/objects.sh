# What the test scripts share, read by them with `.`: building things once. A compiler needs 10 to 20 seconds for the implementation, and more with every operation, so
# it is compiled a handful of times for the whole suite: all that is built stands in build/ and is used again until a file it was made from, or its command, changes.

if [ -z "$CC" ]; then CC=cc; command -v gcc >/dev/null 2>&1 && CC=gcc; fi
# Tests are built with -O1; the object they are linked with is the one that README tells users to make. TG_CFLAGS, when given, stands for both.
: "${TG_OBJECT_FLAGS=${TG_CFLAGS--O2}}" "${TG_CFLAGS=-O1}" "${TG_JOBS=2}"
export CC TG_CFLAGS TG_OBJECT_FLAGS TG_JOBS

have() { command -v "$1" >/dev/null 2>&1; }

# build_once TARGET NEEDS COMMAND...: runs `COMMAND... -o TARGET`, unless the same command has made it since the files NEEDS changed. What the compiler said is in TARGET.txt.
# Scripts that want the same thing at the same time wait for the first of them; the lock of one that was killed is taken over.
build_once() {
    target=$1 needs=$2; shift 2
    while ! mkdir "$target.lock" 2>/dev/null; do
        sleep 0.3 2>/dev/null || sleep 1
        owner=$(cat "$target.lock/owner" 2>/dev/null) || continue
        [ -z "$owner" ] || kill -0 "$owner" 2>/dev/null || { mv "$target.lock" "$target.dead$$" 2>/dev/null && rm -rf "$target.dead$$"; }
    done
    echo $$ > "$target.lock/owner"
    if [ ! -f "$target" ] || [ "$(cat "$target.line" 2>/dev/null)" != "$*" ] || [ -n "$(find $needs -newer "$target.line" 2>/dev/null)" ]; then
        rm -f "$target"
        echo "$*" > "$target.line"                            # before the compiler reads the files, so that a change meanwhile is seen
        "$@" -o "$target.new" >"$target.txt" 2>&1 && mv "$target.new" "$target"
    fi
    rm -rf "$target.lock"
    [ -f "$target" ]
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
part_of() { name=${1##*/}; name=${name%.*}; echo "${name#test_}"; }
# What the line `run.sh flags: -lfoo` of some C files adds to their compile lines
flags_of() { sed -n 's/.*run\.sh flags: *\([^*]*\).*/\1/p' "$@" | tr '\n' ' '; }

# unit OUTPUT FILE...: a C file of one implementation and these tests, each with its main under another name; the program runs the one that its first argument names.
unit() {
    unit=$1; shift
    {
        printf '#define TENSORGRAD_IMPLEMENTATION\n#include "tensorgrad.h"\n#include "tests/isa.h"\n#include "tests/test.h"\n'
        for f; do printf '#define main(...) test_%s_main(int argc, char **argv)\n#include "%s"\n#undef main\n' "$(part_of "$f")" "$f"; done
        printf 'int main(int argc, char **argv) {\n'
        for f; do printf '    if (argc > 1 && strcmp(argv[1], "%s") == 0) return test_%s_main(argc - 1, argv + 1);\n' "$(part_of "$f")" "$(part_of "$f")"; done
        printf '    return 2;\n}\n'
    } > "$unit.$$"
    if cmp -s "$unit.$$" "$unit"; then rm -f "$unit.$$"; else mv "$unit.$$" "$unit"; fi
}

# build_test FILE FLAVOUR OBJECT COMMAND...: builds the test, into build/bin/FLAVOUR; $program is then the command that runs it, and $said what the compiler said.
#   public    linked with OBJECT
#   private   all of this kind are one program with one implementation. They stand in one translation unit, so the names at their file scope must differ; where the unit does
#             not compile the test is built alone, with a note
#   own       compiled as it is
build_test() {
    file=$1 dir=build/bin/$2 with=$3; shift 3
    mkdir -p "$dir"
    name=$(part_of "$file")
    program=$dir/$name
    said=$dir/$name.txt
    kind=$(kinds "$file")
    case $kind in
        public*) build_once "$program" "$file tests/isa.h tests/test.h tests/small_json.h tensorgrad.h $with" "$@" -DTG__IMPLEMENTATION_DONE -include tests/isa.h "$file" "$with" $(flags_of "$file");;
        own*)    build_once "$program" "$file tests/test.h tensorgrad.h" "$@" "$file" $(flags_of "$file");;
        *)
            together=$(kinds tests/test_*.c | sed -n 's/^private //p')
            case " $(echo $together) " in *" $file "*) ;; *) together="$file $together";; esac
            unit "$dir/private.c" $together
            if build_once "$dir/private" "$dir/private.c $(echo $together) tests/isa.h tests/test.h tests/small_json.h tensorgrad.h" "$@" -I. "$dir/private.c" $(flags_of $together); then
                program="$dir/private $name"
                return 0
            fi
            echo "note: $(echo $together) do not compile as one program, see $dir/private.txt; $name is built alone"
            unit "$dir/$name.c" "$file"
            build_once "$program" "$dir/$name.c $file tests/isa.h tests/test.h tests/small_json.h tensorgrad.h" "$@" -I. "$dir/$name.c" $(flags_of "$file") && program="$program $name";;
    esac
}

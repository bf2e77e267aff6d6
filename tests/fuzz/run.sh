#!/usr/bin/env bash
# Fuzzes every parser that eats what a network or a caller sends.
#
#   tests/fuzz/run.sh                         every target, a minute each
#   SECONDS_EACH=600 tests/fuzz/run.sh order  one target, ten minutes
#   KEEP=1 tests/fuzz/run.sh                  afterwards keep in corpus/ the few shortest inputs
#                                             that reach further than the seeds
#   FUZZ_OPTIONAL=1 tests/fuzz/run.sh         succeed without a nightly toolchain, with a line about it
#
# Nothing is installed outside this repository: cargo-fuzz goes to .local/, all else to target/fuzz.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

seconds=${SECONDS_EACH:-60}
toolchain=${FUZZ_TOOLCHAIN:-nightly}
version=0.13.2
# The most inputs without a name that are kept for each target.
inputs_kept=12
tool=.local/cargo/bin/cargo-fuzz
here=tests/fuzz
work=target/fuzz

missing() {
  if [ "${FUZZ_OPTIONAL:-}" = 1 ]; then
    echo "skipped: $1; fuzzing needs $2"
    exit 0
  fi
  echo "fuzzing needs $2: $1" >&2
  exit 1
}

cargo "+$toolchain" --version >/dev/null 2>&1 ||
  missing "no $toolchain toolchain" "\`rustup toolchain install $toolchain --profile minimal\`"
command -v c++ >/dev/null || missing "no C++ compiler" "\`c++\`, for libFuzzer"

if [ "$($tool fuzz --version 2>/dev/null)" != "cargo-fuzz $version" ]; then
  echo "Installing cargo-fuzz into .local/cargo (once, some minutes)"
  cargo install cargo-fuzz --debug --locked --version $version --root .local/cargo
fi

# No sanitizer, because the code under test is safe Rust: overflows and broken assertions panic.
export RUSTUP_TOOLCHAIN=$toolchain RUST_BACKTRACE=0

echo "Building the targets (the first time some minutes)"
$tool fuzz build --fuzz-dir $here --target-dir $work --sanitizer none
bin=$work/$(rustc -vV | sed -n 's/^host: //p')/release

targets=("$@")
[ $# -gt 0 ] || read -ra targets -d '' <<<"$($tool fuzz list --fuzz-dir $here)" || true
[ ${#targets[@]} -gt 0 ] || { echo "there are no targets" >&2; exit 1; }

# Fuzzes a target; what it finds is in the file `found`.
fuzz() {
  target=$1
  own=$work/$target
  kept=$here/corpus/$target
  rm -rf "$own/seeds"
  mkdir -p "$own/corpus" "$own/seeds" "$own/findings" "$kept"
  case $target in
    order | plan | intake | events | settings | click_cookie | platform) words=orders ;;
    *) words=answers ;;
  esac
  limits=(-timeout=10 -rss_limit_mb=2048 -max_len=8192 "-artifact_prefix=$own/findings/")
  export FUZZ_SEEDS=$own/seeds

  if "$bin/$target" "${limits[@]}" -dict=$here/dictionaries/$words.dict -max_total_time="$seconds" \
    -print_final_stats=1 "$own/corpus" "$kept" "$own/seeds" 2>&1 | tee "$own/log" |
    awk -v target="$target" '/pulse|DONE/ { print target ": " substr($1, 2) " inputs, coverage " $4; fflush() }'; then
    echo "$target: no finding after $seconds s"
  else
    {
      echo "$target: a finding"
      grep -v -E 'pulse|NEW|REDUCE|RELOAD' "$own/log" | tail -n 40 | sed 's/^/  | /'
      echo "  To see it again: $bin/$target <the file named above>"
    } | tee "$own/found"
  fi

  if [ "${KEEP:-}" = 1 ]; then
    # The seeds are merged with the inputs that reach further, each edge once. Of these, the
    # shortest stay in the corpus, beside the inputs that a person has named.
    rm -rf "$own/merged" && cp -r "$own/seeds" "$own/merged"
    "$bin/$target" "${limits[@]}" -set_cover_merge=1 -use_counters=0 \
      "$own/merged" "$kept" "$own/corpus" 2>"$own/log.merge"
    find "$kept" -type f -regextype posix-extended -regex '.*/[0-9a-f]{40}' -delete
    find "$own/merged" -type f -printf '%s %f\n' | sort -n |
      awk -v most=$inputs_kept '$2 ~ /^[0-9a-f]+$/ && length($2) == 40 && n++ < most { print $2 }' |
      while read -r file; do
        cp "$own/merged/$file" "$kept/"
      done
    echo "$target: kept $(find "$kept" -type f | wc -l) inputs, $(du -sb "$kept" | cut -f1) bytes"
  fi
}

# A target fuzzes on one core: as many at a time as there are.
running=()
failed=0
for target in "${targets[@]}"; do
  rm -f "$work/$target/found"
  if [ ${#running[@]} -ge "$(nproc)" ]; then
    wait "${running[0]}" || failed=1
    running=("${running[@]:1}")
  fi
  fuzz "$target" &
  running+=($!)
done
for process in "${running[@]}"; do
  wait "$process" || failed=1
done

findings=0
for target in "${targets[@]}"; do
  [ ! -e "$work/$target/found" ] || findings=$((findings + 1))
done
[ $failed -eq 0 ] || { echo "a target could not be fuzzed: see above" >&2; exit 1; }
[ $findings -eq 0 ] || { echo "$findings of ${#targets[@]} targets have a finding"; exit 1; }
echo "No finding in ${#targets[@]} targets"

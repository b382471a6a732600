# Compiler, linker and warnings: the same for every target.
find_program(CCACHE ccache)
if(CCACHE)
  # One build path and no directory in the hash: a second clone of the same revision compiles nothing.
  set(CMAKE_C_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_C_COMPILER_LAUNCHER})
endif()

# No -Wpedantic: it names every TRY(), which is a statement expression on purpose. No -Wmaybe-uninitialized: gcc 12 sees
# uninitialised reads inside of <variant>, <optional> and <regex> where there are none; clang-tidy watches instead.
add_compile_options(-Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Werror -Wno-maybe-uninitialized
                    -fno-semantic-interposition)
# A precompiled header must be the same bytes for the same input, or ccache cannot vouch for what it feeds.
add_compile_options(-fpch-preprocess)

find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

option(REEVE_SANITIZE "AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
if(REEVE_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()

option(REEVE_FUZZ "the fuzz targets, for libFuzzer; needs clang" OFF)
if(REEVE_FUZZ)
  # gcc's warnings are the ones we build by.
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -Wno-error)
  add_link_options(-fsanitize=address,undefined)
endif()

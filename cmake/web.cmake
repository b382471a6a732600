# The page: built by vite out of server/web, compressed beforehand, and put into the program as the library reeve_web.
#
# Nothing is written into the source tree: the packages and the result lie in build/<preset>/web. With REEVE_WEB=OFF
# neither node nor npm is needed, and the server shows a short text in the page's place.
option(REEVE_WEB "build the page and embed it (needs node 18 and npm)" ON)

set(web_source ${CMAKE_SOURCE_DIR}/server/web)
set(web_build ${CMAKE_BINARY_DIR}/web)

if(REEVE_WEB)
  find_program(NODE NAMES node nodejs)
  find_program(NPM npm)
  if(NOT NODE OR NOT NPM)
    message(FATAL_ERROR "The page needs node (18 or later) and npm; on Debian: apt install nodejs npm. "
                        "A server without its page: configure with -DREEVE_WEB=OFF.")
  endif()
  file(GLOB_RECURSE web_files CONFIGURE_DEPENDS ${web_source}/src/* ${web_source}/public/*)

  add_custom_command(
    OUTPUT ${web_build}/installed
    DEPENDS ${web_source}/package.json ${web_source}/package-lock.json
    COMMAND ${CMAKE_COMMAND} -E make_directory ${web_build}
    COMMAND ${CMAKE_COMMAND} -E copy ${web_source}/package.json ${web_source}/package-lock.json ${web_build}
    COMMAND sh -c "$0 ci --no-audit --no-fund --ignore-scripts --loglevel=error || { echo 'npm could not install what the \
page is built with; a server without its page: -DREEVE_WEB=OFF' && exit 1; }" ${NPM}
    COMMAND ${CMAKE_COMMAND} -E touch installed
    WORKING_DIRECTORY ${web_build}
    COMMENT "installing what the page is built with"
    VERBATIM)

  # vite finds its packages beside what it builds, so the sources are built from a copy.
  add_custom_command(
    OUTPUT ${web_build}/web_assets_made.cc
    DEPENDS ${web_build}/installed ${web_files} ${web_source}/index.html ${web_source}/docs.html
            ${web_source}/vite.config.ts ${web_source}/svelte.config.js ${web_source}/tsconfig.json
            ${web_source}/tools/embed.mjs
    COMMAND ${CMAKE_COMMAND} -E rm -rf src public dist
    COMMAND ${CMAKE_COMMAND} -E copy_directory ${web_source} ${web_build}
    COMMAND ${NODE} node_modules/vite/bin/vite.js build --logLevel warn
    COMMAND ${NODE} tools/embed.mjs dist compressed web_assets_made.cc
    WORKING_DIRECTORY ${web_build}
    COMMENT "building the page"
    VERBATIM)
  add_library(reeve_web STATIC ${web_build}/web_assets_made.cc)
  # What is read by .incbin is not seen by the compiler's cache; the file names each asset's hash, so it changes along.
  set_source_files_properties(${web_build}/web_assets_made.cc PROPERTIES SKIP_LINTING ON)
else()
  add_library(reeve_web STATIC ${CMAKE_SOURCE_DIR}/server/api/web_assets_off.cc)
endif()
target_include_directories(reeve_web PUBLIC ${CMAKE_SOURCE_DIR})

# Compiles the page in, so that the report needs no file of its own: page_files.cpp.
set(scripts core table charts curves bars roofline graph flame sections analysis main)  # each may use those before it
list(TRANSFORM scripts PREPEND render/page/)
list(TRANSFORM scripts APPEND .js)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS render/page/page.html render/page/page.css ${scripts})
file(READ render/page/page.html page_html)
file(READ render/page/page.css page_css)
set(page_js "")
foreach(script IN LISTS scripts)
  file(READ ${script} text)
  string(APPEND page_js "${text}")
endforeach()
configure_file(render/page_files.cpp.in ${CMAKE_CURRENT_BINARY_DIR}/page_files.cpp @ONLY)

# cmake --install: headers, library, CMake package and pkg-config file. None of them contains the prefix, so an
# installed tree is relocatable.
include(CMakePackageConfigHelpers)
set(cmake_folder ${CMAKE_INSTALL_LIBDIR}/cmake/metron)

install(TARGETS metron EXPORT metronTargets)
# Headers in these folders are public. All others are private.
set(METRON_PUBLIC_FOLDERS core core/data core/io core/profiler core/timer kernels layers layers/models)
foreach(folder IN LISTS METRON_PUBLIC_FOLDERS)
  file(GLOB headers CONFIGURE_DEPENDS ${folder}/*.h ${folder}/*.def)
  list(REMOVE_ITEM headers ${PROJECT_SOURCE_DIR}/layers/metron.h)
  install(FILES ${headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/metron/${folder})
endforeach()
install(FILES layers/metron.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/metron)
install(DIRECTORY core/deprecated/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})  # forwarding headers at the old paths

install(EXPORT metronTargets NAMESPACE metron:: DESTINATION ${cmake_folder})
configure_package_config_file(tools/cmake/metronConfig.cmake.in metronConfig.cmake INSTALL_DESTINATION ${cmake_folder})
write_basic_package_version_file(metronConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/metronConfig.cmake ${PROJECT_BINARY_DIR}/metronConfigVersion.cmake
        DESTINATION ${cmake_folder})

# For a static library, private dependencies go into Libs, so that plain `pkg-config --libs` links.
set(metron_private_libs "-lz -pthread")
if(METRON_OPENMP)
  list(JOIN OpenMP_CXX_LIB_NAMES " -l" openmp_libs)
  string(PREPEND metron_private_libs "-l${openmp_libs} ")
endif()
if(METRON_ONEDNN)
  string(PREPEND metron_private_libs "-ldnnl ")
endif()
if(METRON_GPU_MODE STREQUAL cuda)
  string(PREPEND metron_private_libs "-L${CUDAToolkit_LIBRARY_DIR} -lcudart_static -ldl -lrt ")
endif()
set(metron_libs "")
if(NOT BUILD_SHARED_LIBS)
  set(metron_libs " ${metron_private_libs}")
  set(metron_private_libs "")
endif()
# An absolute folder, as some distributions set it, is not below the prefix, and not relocatable.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(pc_prefix ${CMAKE_INSTALL_PREFIX})
  set(pc_libdir ${CMAKE_INSTALL_LIBDIR})
else()
  file(RELATIVE_PATH prefix_from_pc /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
  set(pc_prefix "\${pcfiledir}/${prefix_from_pc}")
  set(pc_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
endif()
set(pc_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
if(IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  set(pc_includedir ${CMAKE_INSTALL_INCLUDEDIR})
endif()
configure_file(tools/cmake/metron.pc.in metron.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/metron.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

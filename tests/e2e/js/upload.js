// tus-js-client, as people have it under Node.js: uploads one file.
//
// Its one argument is a file with a JSON object: "path" of what it uploads,
// "options" of tus-js-client, and maybe "storage", a file that remembers
// uploads from one start to the next, and "forget", which ends what the server
// remembers of the upload.

import { createReadStream, readFileSync } from 'node:fs'
import { FileUrlStorage, Upload } from 'tus-js-client'

const job = JSON.parse(readFileSync(process.argv[2], 'utf8'))

const upload = new Upload(createReadStream(job.path), {
  retryDelays: [0, 100, 500, 1000],
  ...(job.storage && { urlStorage: new FileUrlStorage(job.storage) }),
  ...job.options,
  onError(error) {
    console.error(String(error))
    process.exitCode = 1
  },
  async onSuccess() {
    if (job.forget) await Upload.terminate(upload.url, job.options)
  },
})

if (job.storage) {
  const [previous] = await upload.findPreviousUploads()
  if (previous) upload.resumeFromPreviousUpload(previous)
}
upload.start()

// What a web page does with tus-js-client: uploads one file, tells how it went.
//
// It takes a job from its own server: "name" and "type" of the file, which it
// fetches there too, "url" where it will be served, "options" of tus-js-client,
// "reload": it is loaded anew then at the first error; and "readme": it does
// then what README.rst shows, and tells nothing.

async function sha256(bytes) {
  const digest = await crypto.subtle.digest('SHA-256', bytes)
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function tell(what) {
  return fetch('/told', { method: 'POST', body: JSON.stringify(what) })
}

function upload(job, file) {
  const reload = job.reload && !sessionStorage.reloaded
  return new Promise((resolve, reject) => {
    const options = {
      retryDelays: reload ? null : [0, 100, 500, 1000],
      ...job.options,
      onSuccess: resolve,
      onError(error) {
        if (!reload) return reject(error)
        sessionStorage.reloaded = true
        location.reload()
      },
    }
    const going = new tus.Upload(file, options)
    going.findPreviousUploads().then(([previous]) => {
      if (previous) going.resumeFromPreviousUpload(previous)
      going.start()
    })
  })
}

async function main() {
  const job = await (await fetch('/job')).json()
  const blob = await (await fetch('/content')).blob()
  // The same time of change, so that it is known again as the same file.
  const file = new File([blob], job.name, { type: job.type, lastModified: 0 })
  if (job.readme) {
    const { upload } = await import('/readme.js')
    return upload(file, job.options.endpoint)
  }
  await upload(job, file)

  const answer = await fetch(job.url)
  return tell({
    reloaded: 'reloaded' in sessionStorage,
    status: answer.status,
    type: answer.headers.get('Content-Type'),
    etag: answer.headers.has('ETag'),
    sha256: await sha256(await answer.arrayBuffer()),
  })
}

main().catch((error) => tell({ error: String(error) }))
